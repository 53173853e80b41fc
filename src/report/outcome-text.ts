import chalk from 'chalk';
import type { Outcome, StepReport } from '../events.ts';
import { problemText } from './problem-text.ts';
import { symbols } from './symbols.ts';

export interface Ending {
  readonly outcome: Outcome;
  readonly steps: readonly StepReport[];
  readonly leftover: readonly string[];
}

/** The last words of a run: what it came to, and how to go on. */
export const outcomeText = (
  ending: Ending,
  { predicted }: { readonly predicted: boolean },
): string => {
  const count = ending.steps.reduce((sum, { changes }) => sum + changes.length, 0);
  const problems = ending.steps.flatMap((step) => step.problems);
  const lines = [
    ...(predicted ? problems.map(problemText) : []),
    `${closing(ending, count, predicted)}${skippedText(ending)}`,
    ...ending.leftover.map((what) => chalk.red(`  ${symbols.failed} left as it is: ${what}`)),
  ];
  return `${lines.join('\n')}\n`;
};

const closing = ({ outcome }: Ending, count: number, predicted: boolean): string => {
  const changes = `${count} ${count === 1 ? 'change' : 'changes'}`;
  switch (outcome) {
    case 'in-sync':
      return 'Nothing to do: everything is as wanted.';
    case 'applied':
      return predicted
        ? `${changes} would be made; nothing was written.`
        : `Done: ${changes} made.`;
    case 'reboot-required':
      return predicted
        ? `${changes} would be made, then a reboot is needed; nothing was written.`
        : `${changes} made. Reboot this host, then run the same command again to go on.`;
    case 'refused':
      return 'Refused: nothing was changed.';
    case 'rolled-back':
      return 'Failed: what this run did has been taken back.';
    case 'interrupted':
      return 'Interrupted: what this run did has been taken back. Run the same command again to go on.';
    case 'rollback-incomplete':
      return chalk.red('Failed, and not everything could be taken back:');
    case 'unknown':
      return 'Not everything could be looked at.';
    case 'drifted':
    case 'outstanding':
      return `${changes} outstanding.`;
  }
};

/** What was left out is no reason to doubt a failure, but one to doubt that all is well. */
const skippedText = ({ outcome, steps }: Ending): string => {
  const count = steps.filter(({ status }) => status === 'skipped').length;
  if (count === 0 || (outcome !== 'in-sync' && outcome !== 'applied')) return '';
  return ` ${count} ${count === 1 ? 'stage was' : 'stages were'} skipped.`;
};
