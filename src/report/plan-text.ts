import chalk from 'chalk';
import { stringify } from 'yaml';
import { type MadeChange, type StepReport, warningsOf } from '../events.ts';
import { changeText } from './change-text.ts';
import { stepLine } from './step-line.ts';

/** The stages of a rehearsal with the exact changes of each, for review. */
export const planText = (steps: readonly StepReport[]): string => {
  const width = Math.max(0, ...steps.map(({ step }) => step.id.length));
  const blocks = steps.map((report, index) =>
    [
      stepLine(report, (id) => chalk.bold(id.padEnd(width)), steps[index - 1]),
      ...warningsOf([report]).flatMap(({ problem, hint }) => [
        chalk.yellow(`    warning: ${problem}`),
        chalk.dim(`    # ${hint}`),
      ]),
      ...report.changes.flatMap(changeBlock),
    ].join('\n'),
  );
  return `${blocks.join('\n')}\n`;
};

/** What a change is, to the letter, and why it is made. */
export const changeBlock = (made: MadeChange): readonly string[] => {
  const { action, reason, disrupts, effective } = { ...made.change };
  const notes = [
    reason,
    disrupts === undefined ? undefined : chalk.yellow(`disrupts: ${disrupts}`),
    effective === 'after-reboot' ? 'holds after the next boot' : undefined,
  ].filter((note) => note !== undefined);
  const object = action.kind === 'object' ? stringify(action.object).trimEnd().split('\n') : [];
  return [
    ...changeText(made).map((line) => `    ${line}`),
    ...object.map((line) => chalk.dim(`      ${line}`)),
    ...notes.map((note) => chalk.dim(`    # ${note}`)),
  ];
};
