import chalk from 'chalk';

const { TERM, LC_ALL, LC_CTYPE, LANG } = process.env;

/** The first of these that is set decides on the character set (locale(7)). */
const locale = [LC_ALL, LC_CTYPE, LANG].find(Boolean);

/** A terminal that may know ASCII alone; where nothing is said of it, it is taken for a newer one. */
export const plainTerminal =
  TERM === 'dumb' || TERM === 'linux' || (locale !== undefined && !/utf-?8/i.test(locale));

/** Marks at the start of a line. */
export const symbols = {
  done: chalk.green('✔'),
  failed: '✖',
  skipped: chalk.dim('-'),
  reboot: chalk.yellow('↻'),
} as const;

const ascii: Readonly<Record<string, string>> = {
  '✔': '+',
  '✖': 'x',
  '↻': '!',
  '→': '->',
  '←': '<-',
  '…': '...',
  '─': '-',
  '│': '|',
  '├': '|',
  '└': '`',
};

/** The characters of our own texts in ASCII; what comes from elsewhere stays as it is. */
export const transliterate = (text: string): string =>
  text.replace(/[✔✖↻→←…─│├└]/gu, (character) => ascii[character] ?? character);
