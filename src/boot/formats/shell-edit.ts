import { type KernelWord, parseCmdline } from '../../sysfs/cmdline.ts';
import { lineAt, type Opaque, parseShellFile, type ShellFile } from './shell-file.ts';
import type { ShellChar, ShellWord } from './shell-word.ts';

export type Edit = { readonly text: string } | { readonly refused: Opaque };

/**
 * The file with kernel arguments added to a variable: only bytes inside the quotes of its last plain
 * assignment are new. Where there is no assignment one is added at the end of the file.
 */
export const addToVariable = (file: ShellFile, name: string, added: readonly string[]): Edit => {
  if (file.opaque !== undefined) return { refused: file.opaque };
  const last = file.assignments.findLast((assignment) => assignment.name === name);
  if (last === undefined) {
    // A backslash before the last newline would join the new line to the old one.
    const newline = /(^|[^\\]\n|^\n)$/.test(file.text) ? '' : '\n';
    return { text: `${file.text}${newline}${name}="${added.join(' ')}"\n` };
  }
  const chars = plainChars(last.word, name);
  if (typeof chars === 'string') return refusal(file, last.word, chars);
  if (chars.filter(({ char }) => char === '"').length % 2 === 1) {
    return refusal(file, last.word, 'a quote in the value that the kernel would find unclosed');
  }
  const words = splitValue(chars);
  const init = words.all.find((word) => word.text === '--');
  if (init !== undefined) {
    const at = chars[init.start]?.at ?? -1;
    if (!insideQuotes(last.word, at)) return refusal(file, last.word, 'an unquoted `--`');
    return { text: insert(file.text, at, `${added.join(' ')} `) };
  }
  const text = `${chars.length === 0 ? '' : ' '}${added.join(' ')}`;
  const { end, quotes } = last.word;
  const closing = quotes.at(-1)?.close;
  // A value that ends without a quote gets a quoted piece of its own: X=quiet" arg".
  return {
    text:
      closing === end - 1 ? insert(file.text, closing, text) : insert(file.text, end, `"${text}"`),
  };
};

/** The file without the last of each of the arguments in a variable's last assignment. */
export const removeFromVariable = (
  file: ShellFile,
  name: string,
  removed: readonly string[],
): Edit => {
  let rest = file;
  for (const argument of removed.toReversed()) {
    const edit = removeOne(rest, name, argument);
    if ('refused' in edit) return edit;
    rest = parseShellFile(file.path, edit.text);
  }
  return { text: rest.text };
};

const removeOne = (file: ShellFile, name: string, argument: string): Edit => {
  if (file.opaque !== undefined) return { refused: file.opaque };
  const last = file.assignments.findLast((assignment) => assignment.name === name);
  if (last === undefined) return { text: file.text };
  const chars = plainChars(last.word, name);
  if (typeof chars === 'string') return refusal(file, last.word, chars);
  const word = splitValue(chars).kernel.findLast(({ text }) => text === argument);
  const cut = word === undefined ? undefined : cutOf(chars, word);
  if (cut === undefined) return { text: file.text };
  const { start, end } = cut;
  if (!insideQuotes(last.word, start) || file.text.slice(start, end).trim() !== argument) {
    return refusal(file, last.word, `${argument}, which is not spelled in one piece`);
  }
  return { text: file.text.slice(0, start) + file.text.slice(end) };
};

const refusal = ({ path, text }: ShellFile, word: ShellWord, why: string): Edit => ({
  refused: { path, line: lineAt(text, word.start), why },
});

/** The value's characters; the reason if there is more in it than can be edited safely. */
const plainChars = (word: ShellWord, name: string): readonly ShellChar[] | string => {
  if (word.opaque !== undefined) return word.opaque;
  const chars: ShellChar[] = [];
  for (const part of word.parts) {
    if (part.kind === 'char') chars.push(part);
    else if (part.name !== name) return `$${part.name}`;
    // Its own old value, whatever it is, as one character that no argument has.
    else chars.push({ kind: 'char', char: '\0', at: part.at });
  }
  return chars;
};

const splitValue = (
  chars: readonly ShellChar[],
): { readonly all: readonly KernelWord[]; readonly kernel: readonly KernelWord[] } => {
  const text = chars.map(({ char }) => char).join('');
  const kernel = parseCmdline(text);
  const rest = text.slice(kernel.at(-1)?.end ?? 0);
  const init = /^\s*--(?=\s|$)/.exec(rest);
  if (init === null) return { all: kernel, kernel };
  const end = (kernel.at(-1)?.end ?? 0) + init[0].length;
  const word = { text: '--', key: '--', value: undefined, start: end - 2, end };
  return { all: [...kernel, word], kernel };
};

/** The word's bytes with the space before it, or behind it at the start of the value. */
const cutOf = (
  chars: readonly ShellChar[],
  word: KernelWord,
): { readonly start: number; readonly end: number } | undefined => {
  const before = chars[word.start - 1];
  const first = chars[word.start];
  const last = chars[word.end - 1];
  const after = chars[word.end];
  if (first === undefined || last === undefined) return undefined;
  if (before?.char === ' ' && before.at === first.at - 1)
    return { start: before.at, end: last.at + 1 };
  const end = after?.char === ' ' && after.at === last.at + 1 ? after.at + 1 : last.at + 1;
  return { start: first.at, end };
};

const insideQuotes = ({ quotes }: ShellWord, at: number): boolean =>
  quotes.some(({ open, close }) => open < at && at < close);

const insert = (text: string, at: number, piece: string): string =>
  text.slice(0, at) + piece + text.slice(at);
