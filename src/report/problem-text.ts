import chalk from 'chalk';
import type { Problem } from '../events.ts';
import { symbols } from './symbols.ts';

/** A problem for a reader: what is, the code to look it up by, and what to do. */
export const problemText = ({ code, problem, hint }: Problem): string => {
  const [first = '', ...more] = problem.split('\n');
  return [
    `${chalk.red(`${symbols.failed} ${first}`)} ${chalk.dim(`[${code}]`)}`,
    ...[...more, ...hint.split('\n')].map((line) => `  ${line}`),
  ].join('\n');
};
