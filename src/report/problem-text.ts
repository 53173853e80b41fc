import chalk from 'chalk';
import type { Problem } from '../events.ts';
import { symbols } from './symbols.ts';

/** A problem for a reader: what is, the code to look it up by, and what to do. */
export const problemText = ({ code, problem, hint }: Problem): string =>
  `${chalk.red(`${symbols.failed} ${problem}`)} ${chalk.dim(`[${code}]`)}\n  ${hint}`;
