import type { HostPath } from '../../host.ts';
import { NotUnderstood, readShellWord, type ShellWord } from './shell-word.ts';

/** `NAME=word`, with or without `export`. */
export interface Assignment {
  readonly name: string;
  readonly word: ShellWord;
}

/** What a file cannot be understood from, and why. */
export interface Opaque {
  readonly path: HostPath;
  readonly line: number;
  readonly why: string;
}

/**
 * A shell file that holds assignments, such as /etc/default/grub. Root runs it, so it is read here
 * without a shell: from the first thing that is no plain assignment on, nothing is known.
 */
export interface ShellFile {
  readonly path: HostPath;
  readonly text: string;
  readonly assignments: readonly Assignment[];
  /** From there to the end of the file. */
  readonly opaque?: Opaque;
}

export const parseShellFile = (path: HostPath, text: string): ShellFile => {
  const assignments: Assignment[] = [];
  try {
    let at = 0;
    for (;;) {
      at = skipToStatement(text, at);
      if (at >= text.length) return { path, text, assignments };
      at = readStatement(text, at, assignments);
    }
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    const opaque = { path, line: lineAt(text, error.at), why: error.message };
    return {
      path,
      text,
      assignments: assignments.filter(({ word }) => word.end <= error.at),
      opaque,
    };
  }
};

/** Counted from 1. */
export const lineAt = (text: string, at: number): number => text.slice(0, at).split('\n').length;

/** Names that a shell gives a value or a meaning of its own. */
const special =
  /^(_|PATH|IFS|ENV|UID|EUID|PPID|GROUPS|RANDOM|SRANDOM|SECONDS|LINENO|OPTIND|OPTARG|HISTCMD|FUNCNAME|DIRSTACK|PIPESTATUS|SHELLOPTS|POSIXLY_CORRECT|EPOCH\w*|BASH\w*|COMP\w*|LC_\w+|LANG|PS\d)$/;

/** Behind blanks, empty lines, comments and joined lines. */
const skipToStatement = (text: string, start: number): number =>
  start + (/^(?:[ \t\n]|\\\n|#[^\n]*)*/.exec(text.slice(start))?.[0].length ?? 0);

const skipBlanks = (text: string, start: number): number =>
  start + (/^(?:[ \t]|\\\n)*/.exec(text.slice(start))?.[0].length ?? 0);

/** One line of assignments, or a part of it that ends with a semicolon. */
const readStatement = (text: string, start: number, assignments: Assignment[]): number => {
  if (text[start] === ';') throw new NotUnderstood(start, 'a semicolon without a command');
  const exported = /^export(?=[ \t])/.exec(text.slice(start));
  let at = exported === null ? start : skipBlanks(text, start + exported[0].length);
  if (exported !== null && endOfStatement(text, at) !== undefined) {
    throw new NotUnderstood(start, '`export` alone');
  }
  const before = assignments.length;
  for (;;) {
    const ended = endOfStatement(text, at);
    if (ended !== undefined) {
      if (exported !== null) assertIndependent(assignments.slice(before));
      return ended;
    }
    const assignment = readAssignment(text, at, exported !== null);
    if (assignment.kind === 'command') {
      throw new NotUnderstood(
        before === assignments.length ? at : start,
        `a command (${assignment.word})`,
      );
    }
    if (assignment.kind === 'assignment') assignments.push(assignment);
    at = skipBlanks(text, assignment.end);
  }
};

/** Behind the end of the statement, if it is here; a comment starts only where a word could. */
const endOfStatement = (text: string, at: number): number | undefined => {
  const char = text[at];
  if (char === undefined || char === '\n' || char === '#') return at;
  if (char === ';' && text[at + 1] !== ';') return skipToStatement(text, at + 1);
  if (/[;&|<>()]/.test(char)) throw new NotUnderstood(at, `an operator (${char})`);
  return undefined;
};

type Read =
  | (Assignment & { readonly kind: 'assignment'; readonly end: number })
  | { readonly kind: 'name'; readonly end: number }
  | { readonly kind: 'command'; readonly word: string };

const readAssignment = (text: string, at: number, exported: boolean): Read => {
  const rest = text.slice(at);
  const name = /^[A-Za-z_]\w*(?==)/.exec(rest)?.[0];
  if (name === undefined) {
    if (/^[A-Za-z_]\w*\+=/.test(rest)) {
      throw new NotUnderstood(at, '`+=`, which a POSIX shell takes as a command');
    }
    const bare = /^[A-Za-z_]\w*(?=[ \t\n;#]|$)/.exec(rest)?.[0];
    if (exported && bare !== undefined) return { kind: 'name', end: at + bare.length };
    return { kind: 'command', word: /^[^ \t\r\n;&|<>()]*/.exec(rest)?.[0] ?? '' };
  }
  if (special.test(name)) throw new NotUnderstood(at, `${name}, which the shell itself uses`);
  const word = readShellWord(text, at + name.length + 1);
  if (text[word.end] === '(') throw new NotUnderstood(at, 'an array');
  if (exported) assertPlain(text, word);
  return { kind: 'assignment', name, word, end: word.end };
};

/** `export A=a B=$A` expands all its words before it assigns any. */
const assertIndependent = (together: readonly Assignment[]): void => {
  for (const { word } of together.length > 1 ? together : []) {
    const reference = word.parts.find(({ kind }) => kind === 'reference');
    if (reference === undefined) continue;
    throw new NotUnderstood(reference.at, 'a reference among several exported variables');
  }
};

/** Behind `export`, dash splits what bash does not, and both look for file names and braces. */
const assertPlain = (text: string, word: ShellWord): void => {
  const inQuotes = (at: number): boolean =>
    word.quotes.some(({ open, close }) => open <= at && at <= close);
  for (let at = word.start; at < word.end; at += 1) {
    if (!inQuotes(at) && /[$`*?[\]{}\\]/.test(text.charAt(at))) {
      throw new NotUnderstood(at, `an unquoted ${text.charAt(at)} behind \`export\``);
    }
  }
};
