import { stripVTControlCharacters } from 'node:util';

/** Lines that are not prose: diffs, commands and paths, lines of a file, trees, rows of tables. */
const verbatim = /^( {4}[-+@$/\\ ]| *\d* \| |[│├└|`]|\s*(\S+ {2,}){3})/;

/**
 * Breaks lines of prose that are wider than a terminal between words, with what follows below the
 * column that the text began in. Without a width (no terminal) nothing is broken, so that programs
 * find whole lines.
 */
export const wrapped = (text: string, columns: number | undefined): string =>
  columns === undefined || columns < 40
    ? text
    : text
        .split('\n')
        .map((line) => wrapLine(line, columns))
        .join('\n');

const wrapLine = (line: string, columns: number): string => {
  const plain = stripVTControlCharacters(line);
  if (plain.length <= columns || verbatim.test(plain)) return line;
  const indent = ' '.repeat(indentOf(plain, columns));
  const [first = '', ...words] = line.split(' ');
  const lines: string[] = [];
  let current = first;
  for (const word of words) {
    const next = `${current} ${word}`;
    if (widthOf(next) <= columns || widthOf(current.trim()) === 0) {
      current = next;
    } else {
      lines.push(current);
      current = `${indent}${word}`;
    }
  }
  return [...lines, current].join('\n');
};

/** Where text stands in columns, the last of them; else a little further in than the line. */
const indentOf = (plain: string, columns: number): number => {
  const [column = ''] = /^\s*(?:\S+ )?\S+ {2,}/.exec(plain) ?? [];
  const [blanks = ''] = /^\s*/.exec(plain) ?? [];
  return column.length > 0 && column.length <= columns / 2 ? column.length : blanks.length + 2;
};

const widthOf = (text: string): number => stripVTControlCharacters(text).length;
