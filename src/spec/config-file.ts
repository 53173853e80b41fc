import { readFileSync } from 'node:fs';
import { LineCounter, parseAllDocuments, visit, type YAMLError, type YAMLWarning } from 'yaml';
import { SriovctlError } from '../errors.ts';
import { issueProblems, type SpecProblem } from './issue-words.ts';
import { inputSchema } from './json-schema.ts';
import { type Place, placeAt, type YamlText } from './positions.ts';
import { asSpecFile, type SpecFile, schemaFor } from './spec-file.ts';

/** A spec is a few hundred lines; what is larger is some other file. */
const mostBytes = 1_048_576;

/** Everything that is wrong in a spec file, each with its place; `text` is kept for showing it. */
export class SpecFileError extends SriovctlError {
  readonly file: string;
  readonly text: string;
  readonly problems: readonly SpecProblem[];

  constructor(file: string, text: string, problems: readonly SpecProblem[]) {
    const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
    super('SPEC_INVALID', `${file} is no valid spec: ${count}`, {
      exit: 'usage',
      hint: '`sriovctl explain spec` lists every key, `sriovctl schema` is for editors.',
    });
    this.file = file;
    this.text = text;
    this.problems = problems;
  }
}

/** @throws SriovctlError SPEC_UNREADABLE or SPEC_INVALID (exit `usage`). */
export const readSpecFile = (file: string): SpecFile => {
  let bytes: Buffer;
  try {
    // A descriptor as a name (`--config /dev/stdin`) reads like a file.
    bytes = readFileSync(file);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new SriovctlError('SPEC_UNREADABLE', `the spec file ${file} cannot be read (${code})`, {
      exit: 'usage',
      hint: '`sriovctl init` prints one to begin with.',
      cause: error,
    });
  }
  return parseSpecFile(file, bytes);
};

/** @throws SpecFileError that names every problem with line and column. */
export const parseSpecFile = (file: string, bytes: Uint8Array): SpecFile => {
  const text = decode(file, bytes);
  const yaml = parseYaml(file, text);
  const value = valueOf(file, yaml);
  const schema = schemaFor(value);
  const parsed = schema.safeParse(value);
  if (parsed.success) return asSpecFile(value);
  const problems = issueProblems(yaml, inputSchema(schema), parsed.error.issues);
  throw new SpecFileError(
    file,
    text,
    problems.toSorted((a, b) => a.line - b.line || a.column - b.column),
  );
};

const decode = (file: string, bytes: Uint8Array): string => {
  if (bytes.length > mostBytes) {
    throw new SpecFileError(file, '', [
      {
        ...start,
        problem: `the file has ${bytes.length} bytes`,
        remedy: `A spec has at most ${mostBytes}: is it the right file?`,
      },
    ]);
  }
  const text = new TextDecoder('utf-8').decode(bytes);
  const bad = /[\uFFFD\0]/.exec(text);
  if (bad === null) return text;
  const before = text.slice(0, bad.index).split('\n');
  const place = { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, length: 1 };
  throw new SpecFileError(file, text, [
    { ...place, problem: 'the file is no UTF-8 text', remedy: 'Save it as UTF-8.' },
  ]);
};

const parseYaml = (file: string, text: string): YamlText => {
  const lines = new LineCounter();
  const documents = guarded(file, text, () =>
    parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, merge: true }),
  );
  const [document, second] = Array.isArray(documents) ? documents : [];
  if (document === undefined || document.contents === null) {
    throw new SpecFileError(file, text, [
      {
        ...start,
        problem: 'the file is empty',
        remedy: '`sriovctl init` prints a spec to begin with.',
      },
    ]);
  }
  const yaml: YamlText = { text, document, lines };
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    throw new SpecFileError(
      file,
      text,
      faults.map((fault) => ({ ...faultPlace(yaml, fault), ...yamlWords(fault) })),
    );
  }
  if (second !== undefined) {
    const [from] = second.range;
    throw new SpecFileError(file, text, [
      {
        ...placeAt(yaml, from, from + 1),
        problem: 'the file holds more than one document',
        remedy: 'Put the specs of several nodes into one document, as a list under `nodes`.',
      },
    ]);
  }
  return yaml;
};

/** A quote that does not end is reported at the end of the file; meant is where it begins. */
const faultPlace = (yaml: YamlText, { code, message, pos }: YAMLError): Place => {
  let from = pos[0];
  if (code === 'MISSING_CHAR' && message.includes('quote')) {
    visit(yaml.document, {
      Scalar: (_, { type, range }) => {
        const quoted = type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE';
        if (quoted && range && range[0] < pos[0] && range[1] >= pos[0]) from = range[0];
      },
    });
  }
  return placeAt(yaml, from, Math.max(pos[1], from + 1));
};

const valueOf = (file: string, yaml: YamlText): unknown => {
  const { text, document } = yaml;
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) !== undefined) return;
      throw new SpecFileError(file, text, [
        {
          ...placeAt(yaml, alias.range?.[0] ?? 0, alias.range?.[1] ?? 1),
          problem: `*${alias.source} stands for an anchor that is not there`,
          remedy: `Write &${alias.source} before what it stands for, or put the text in quotes.`,
        },
      ]);
    },
  });
  return guarded(file, text, () => document.toJS({ maxAliasCount: 100 }) as unknown);
};

/** What the parser throws instead of reporting: nesting beyond the stack, aliases beyond a bound. */
const guarded = <T>(file: string, text: string, run: () => T): T => {
  try {
    return run();
  } catch (error) {
    const [problem, remedy] =
      error instanceof ReferenceError
        ? ['the file uses an alias too often', 'Write the value out.']
        : ['the file is nested too deeply', 'A spec has five levels at most.'];
    throw new SpecFileError(file, text, [{ ...start, problem, remedy }]);
  }
};

const start = { line: 1, column: 1, length: 1 } as const;

const yamlWords = ({
  code,
  message,
}: YAMLError | YAMLWarning): { readonly problem: string; readonly remedy: string } => ({
  problem: `this is no YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`,
  remedy: yamlRemedies[code] ?? 'See how `sriovctl init` writes it.',
});

const yamlRemedies: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  ALIAS_PROPS: 'An alias (*name) takes neither a tag nor an anchor.',
  BAD_ALIAS: 'Put text that begins with * or & in quotes.',
  BAD_INDENT: 'Indent it as its neighbours are, and close every bracket.',
  BAD_DQ_ESCAPE: 'Use single quotes, in which a backslash is a backslash.',
  BAD_SCALAR_START: 'Put text that begins with such a character in quotes.',
  BLOCK_AS_IMPLICIT_KEY: 'Begin the nested mapping on a line of its own.',
  BLOCK_IN_FLOW: 'Inside brackets, use brackets again.',
  DUPLICATE_KEY: 'Keep one of the two.',
  MISSING_CHAR: 'Add the missing character: a closing quote or bracket, a comma or a blank.',
  MULTILINE_IMPLICIT_KEY: 'Put a key and its colon on one line.',
  TAB_AS_INDENT: 'Indent with blanks.',
  TAG_RESOLVE_FAILED: 'Leave the tag out.',
  UNEXPECTED_TOKEN: 'Begin each key on a line of its own.',
};
