import { stripVTControlCharacters } from 'node:util';

/** Lines that are not prose: rows of a table, diffs, commands, frames of a file. */
const verbatim = /^(\s{4,}|\s*(\S+ {2,}){3})/;

/**
 * Breaks lines of prose that are wider than a terminal between words, with what follows indented
 * under them. Without a width (no terminal) nothing is broken, so that programs find whole lines.
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
  const indent = `${/^\s*/.exec(plain)?.[0] ?? ''}    `;
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(' ')) {
    const next = current === '' && lines.length === 0 ? word : `${current} ${word}`;
    if (widthOf(next) > columns && current.trim() !== '') {
      lines.push(current);
      current = `${indent}${word}`;
    } else {
      current = next;
    }
  }
  return [...lines, current].join('\n');
};

const widthOf = (text: string): number => stripVTControlCharacters(text).length;
