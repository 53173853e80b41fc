/** A character of a shell word's value and the offset in the file that it comes from. */
export interface ShellChar {
  readonly kind: 'char';
  readonly char: string;
  readonly at: number;
}

/** `$NAME` or `${NAME}`. */
export interface ShellReference {
  readonly kind: 'reference';
  readonly name: string;
  readonly at: number;
  readonly quoted: boolean;
}

/** A quoted stretch; both offsets are those of the quote characters. */
export interface Quotes {
  readonly open: number;
  readonly close: number;
}

/** One word as a POSIX shell takes it: quotes and escapes are resolved, references are not. */
export interface ShellWord {
  readonly parts: readonly (ShellChar | ShellReference)[];
  readonly quotes: readonly Quotes[];
  readonly start: number;
  readonly end: number;
  /** Why the value cannot be told without running something; the word's end is known nevertheless. */
  readonly opaque?: string;
}

/** The word, or the whole rest of the text, cannot be understood without a shell. */
export class NotUnderstood extends Error {
  readonly at: number;

  constructor(at: number, why: string) {
    super(why);
    this.at = at;
  }
}

/**
 * Reads the word at an offset by the quoting rules of POSIX.1-2017, 2.2. What dash and bash take
 * differently is not read at all.
 *
 * @throws NotUnderstood
 */
export const readShellWord = (text: string, start: number): ShellWord => {
  const reader: Reader = { text, at: start, parts: [], quotes: [], opaque: undefined };
  while (reader.at < text.length && !/[ \t\n;&|<>()]/.test(charAt(reader))) readUnquoted(reader);
  const { parts, quotes, at, opaque } = reader;
  return { parts, quotes, start, end: at, ...(opaque !== undefined && { opaque }) };
};

interface Reader {
  readonly text: string;
  at: number;
  readonly parts: (ShellChar | ShellReference)[];
  readonly quotes: Quotes[];
  opaque: string | undefined;
}

const charAt = ({ text, at }: Reader): string => text.charAt(at);

const readUnquoted = (reader: Reader): void => {
  const char = charAt(reader);
  if (char === "'") readSingleQuoted(reader);
  else if (char === '"') readDoubleQuoted(reader);
  else if (char === '\\') readEscape(reader, /[^]/);
  else if (char === '$' || char === '`') readExpansion(reader, false);
  else if (char >= '~') {
    throw new NotUnderstood(reader.at, `an unquoted ${JSON.stringify(char)}`);
  } else take(reader);
};

const take = (reader: Reader): void => {
  // Shells use some of the control characters for themselves.
  if (/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(charAt(reader))) {
    throw new NotUnderstood(reader.at, 'a control character');
  }
  reader.parts.push({ kind: 'char', char: charAt(reader), at: reader.at });
  reader.at += 1;
};

const readSingleQuoted = (reader: Reader): void => {
  const open = reader.at;
  const close = reader.text.indexOf("'", open + 1);
  if (close === -1) throw new NotUnderstood(open, 'a quote that is never closed');
  for (reader.at = open + 1; reader.at < close; ) take(reader);
  reader.at = close + 1;
  reader.quotes.push({ open, close });
};

const readDoubleQuoted = (reader: Reader): void => {
  const open = reader.at;
  reader.at += 1;
  while (charAt(reader) !== '"') {
    if (reader.at >= reader.text.length) {
      throw new NotUnderstood(open, 'a quote that is never closed');
    }
    const char = charAt(reader);
    if (char === '\\') readEscape(reader, /[$`"\\\n]/);
    else if (char === '$' || char === '`') readExpansion(reader, true);
    else take(reader);
  }
  reader.quotes.push({ open, close: reader.at });
  reader.at += 1;
};

/** A backslash before anything else than `special` is itself; before a newline both vanish. */
const readEscape = (reader: Reader, special: RegExp): void => {
  const next = reader.text[reader.at + 1];
  if (next === undefined) throw new NotUnderstood(reader.at, 'a backslash at the end of the file');
  if (!special.test(next)) {
    take(reader);
    return;
  }
  reader.at += 1;
  if (next === '\n') reader.at += 1;
  else take(reader);
};

const readExpansion = (reader: Reader, quoted: boolean): void => {
  const rest = reader.text.slice(reader.at);
  const name = /^\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})/.exec(rest);
  if (name !== null) {
    const { at } = reader;
    reader.parts.push({ kind: 'reference', name: name[1] ?? name[2] ?? '', at, quoted });
    reader.at += name[0].length;
    return;
  }
  reader.at = endOfExpansion(reader);
};

/** Behind an expansion whose value only a shell could tell. */
const endOfExpansion = (reader: Reader): number => {
  const { text, at } = reader;
  const rest = text.slice(at);
  if (rest.startsWith('`')) {
    reader.opaque ??= 'a command substitution';
    return endOfBackquotes(text, at);
  }
  if (/^\$\((?!\()/.test(rest)) {
    reader.opaque ??= 'a command substitution';
    return endOfParentheses(text, at + 1);
  }
  // Those that assign (`:=`), fail (`:?`) or are cut (`#`, `%`) may do or contain anything.
  const braces = /^\$\{[A-Za-z_]\w*:?[-+](?:[^"'`\\{}$]|\$[A-Za-z_]\w*)*\}/.exec(rest);
  if (braces !== null) {
    reader.opaque ??= 'a parameter expansion';
    return at + braces[0].length;
  }
  throw new NotUnderstood(at, `an expansion (${/^\S{0,8}/.exec(rest)?.[0] ?? '$'}…)`);
};

/** Quotes that are not closed before the substitution is give undefined results (POSIX, 2.6.3). */
const endOfBackquotes = (text: string, open: number): number => {
  const plain = /^`(?:[^`\\'"]|'[^'`\\]*'|"[^"`\\]*")*`/.exec(text.slice(open));
  if (plain !== null) return open + plain[0].length;
  throw new NotUnderstood(open, 'a command substitution that is hard to follow');
};

/** Only what a reader can count: comments, here-documents and `case` may hold a single parenthesis. */
const endOfParentheses = (text: string, open: number): number => {
  let depth = 0;
  for (let at = open; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '#' || char === '`' || text.startsWith('<<', at) || /^case\b/.test(text.slice(at)))
      break;
    if (char === '\\') at += 1;
    else if (char === "'" || char === '"') at = endOfPlainQuotes(text, at);
    else if (char === '(') depth += 1;
    else if (char === ')') depth -= 1;
    if (depth === 0) return at + 1;
  }
  throw new NotUnderstood(open, 'a command substitution that is hard to follow');
};

const endOfPlainQuotes = (text: string, open: number): number => {
  const quote = text.charAt(open);
  const close = text.indexOf(quote, open + 1);
  if (close === -1 || (quote === '"' && /[\\$`]/.test(text.slice(open, close)))) {
    throw new NotUnderstood(open, 'a command substitution that is hard to follow');
  }
  return close;
};
