import type { StepReport } from '../events.ts';
import { type Finding, findingsOf } from './findings.ts';

/** `verify` as TAP version 14, with what failed as its YAML block. */
export const tapText = (steps: readonly StepReport[]): string => {
  const findings = findingsOf(steps);
  const lines = findings.flatMap((finding, index) => point(finding, index + 1));
  return `${['TAP version 14', `1..${findings.length}`, ...lines].join('\n')}\n`;
};

const point = (
  { stage, title, id, result, severity, problem, hint }: Finding,
  number: number,
): readonly string[] => {
  const name = `${number} - ${plain(`${stage}: ${title}`)}`;
  if (result === 'skipped') return [`ok ${name} # SKIP ${plain(problem)}`];
  if (result === 'passed') return [`ok ${name}`];
  const block = { id, severity, message: problem, hint };
  return [
    `not ok ${name}`,
    '  ---',
    // JSON strings are YAML strings.
    ...Object.entries(block).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`),
    '  ...',
  ];
};

/** `#` begins a directive, and a line is a line. */
const plain = (text: string): string =>
  text.replace(/[\\#]/g, (character) => `\\${character}`).replace(/\s*\n\s*/g, ' ');
