import chalk from 'chalk';
import type { CheckReport, Problem, StepReport } from '../events.ts';
import { changeSummary } from './change-text.ts';
import { changesOf, skippedWords } from './step-line.ts';
import { symbols } from './symbols.ts';
import { type Tally, tallyOf } from './tally.ts';

/** Each stage with a reason for everything that is not as wanted, and the count of checks. */
export const verifyText = (steps: readonly StepReport[]): string =>
  `${[...steps.flatMap((step, index) => stepLines(step, steps[index - 1])), tallyLine(tallyOf(steps))].join('\n')}\n`;

const stepLines = (report: StepReport, before: StepReport | undefined): readonly string[] => {
  const { id, title } = report.step;
  if (report.status === 'skipped') {
    return [`${symbols.skipped} ${id}: ${title}: ${skippedWords(report, before)}`];
  }
  if (report.status === 'failed') {
    return [
      `${chalk.red(symbols.failed)} ${id}: ${title}: cannot be looked at`,
      ...report.problems.flatMap(problemLines),
    ];
  }
  const mark = report.status === 'in-sync' ? symbols.done : chalk.red(symbols.failed);
  const drift = report.changes.flatMap((made) => [
    ...changeSummary(made).map((line) => `    ${line}`),
    chalk.dim(`    # ${made.change.reason}`),
  ]);
  const missing = drift.length === 0 ? '' : `: ${changesOf(report)} missing`;
  return [`${mark} ${id}: ${title}${missing}`, ...drift, ...report.checks.flatMap(checkLines)];
};

const problemLines = ({ code, problem, hint }: Problem): readonly string[] => [
  `    ${problem} ${chalk.dim(`[${code}]`)}`,
  `    # ${hint}`,
];

const checkLines = ({ check, result }: CheckReport): readonly string[] => {
  switch (result.status) {
    case 'pass':
      return result.detail === undefined ? [] : [chalk.dim(`    ${result.detail}`)];
    case 'skip':
      return [chalk.dim(`    ${check.title}: skipped, ${result.because}`)];
    case 'pending':
      return [`    ${check.title}: still missing: ${result.awaited}`];
    case 'reboot':
      return [`    ${check.title}: only after a reboot: ${result.because}`];
    case 'fail':
      return problemLines({ code: check.id, ...result });
  }
};

const tallyLine = ({ passed, failed, skipped }: Tally): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;
