import chalk from 'chalk';

const plain = process.env['TERM'] === 'dumb' || process.env['TERM'] === 'linux';

/** Marks at the start of a line; in ASCII where the terminal may know no others. */
export const symbols = {
  done: chalk.green(plain ? '+' : '✔'),
  failed: plain ? 'x' : '✖',
  skipped: chalk.dim('-'),
  reboot: chalk.yellow(plain ? '!' : '↻'),
} as const;
