import chalk from 'chalk';
import type { SpecProblem } from '../spec/issue-words.ts';
import { symbols } from './symbols.ts';

export interface WrongSpec {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly file: string;
  readonly text: string;
  readonly problems: readonly SpecProblem[];
}

/** More than that is one mistake that shows in many places. */
const mostShown = 20;
/** A line of the file beyond this is shown in part. */
const mostColumns = 72;

/** Every problem of a spec file as editors and terminals link it (`file:line:column`), with its line. */
export const specProblemText = ({
  code,
  message,
  hint,
  file,
  text,
  problems,
}: WrongSpec): string => {
  const lines = text.split(/\r?\n/);
  const more = problems.length - mostShown;
  return [
    `${chalk.red(`${symbols.failed} ${message}`)} ${chalk.dim(`[${code}]`)}`,
    ...problems.slice(0, mostShown).flatMap((problem) => problemLines(file, lines, problem)),
    ...(more > 0 ? [`  … and ${more} more`] : []),
    `  ${hint}`,
  ].join('\n');
};

const problemLines = (
  file: string,
  lines: readonly string[],
  { line, column, length, problem, remedy }: SpecProblem,
): readonly string[] => [
  `  ${chalk.bold(`${file}:${line}:${column}`)}: ${problem}`,
  ...frame(lines[line - 1], line, column, length),
  `    ${remedy}`,
];

const frame = (
  source: string | undefined,
  line: number,
  column: number,
  length: number,
): readonly string[] => {
  if (source === undefined || source.trim() === '') return [];
  const from = Math.max(0, column - mostColumns / 2);
  const start = source.length > mostColumns ? from : 0;
  const shown = printable(source.slice(start, start + mostColumns));
  const marks = '^'.repeat(Math.min(length, Math.max(1, shown.length - (column - 1 - start))));
  const number = String(line).padStart(5);
  return [
    chalk.dim(`${number} | ${shown}`),
    `${' '.repeat(number.length)} | ${' '.repeat(column - 1 - start)}${chalk.red(marks)}`,
  ];
};

/** A file may hold anything; a terminal is sent nothing but text. */
const printable = (text: string): string => text.replace(/[\p{C}\t]/gu, ' ');
