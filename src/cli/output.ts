import { stripVTControlCharacters } from 'node:util';
import { type Command, Option } from 'commander';
import { documentText } from '../report/json.ts';
import { wrapped } from '../report/wrap.ts';
import type { Streams } from './streams.ts';
import { writeResult } from './write-result.ts';

/** `text` is for people, the others for programs and for places where people read. */
export type Format =
  | 'text'
  | 'json'
  | 'yaml'
  | 'markdown'
  | 'junit'
  | 'github'
  | 'tap'
  | 'sarif'
  | 'dot'
  | 'mermaid'
  | 'svg';

/** How much is told on stderr. */
export type Verbosity = 'quiet' | 'normal' | 'verbose';

export interface OutputFlags {
  readonly output?: Format;
  readonly out?: string;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly debug?: boolean;
}

export interface OutputOptions {
  /** Formats besides text, json and yaml. */
  readonly formats?: readonly Format[];
  /** What --out means, where it is not the result. */
  readonly out?: string;
}

/** Adds the flags that say what is printed, how and where. */
export const addOutputFlags = (
  command: Command,
  { formats = [], out = 'write the result to a file instead of stdout' }: OutputOptions = {},
): Command =>
  command
    .optionsGroup('Output:')
    .addOption(
      new Option('-o, --output <format>', 'how the result is printed')
        .choices(['text', 'json', 'yaml', ...formats])
        .default('text'),
    )
    .addOption(new Option('--json', 'the same as -o json').implies({ output: 'json' }))
    .option('--out <file>', out)
    .option('-q, --quiet', 'say nothing on stderr but what went wrong')
    .option('-v, --verbose', 'say on stderr what is waited for and looked at, too')
    .option('--debug', 'say on stderr every command that is run, and where an error comes from')
    .optionsGroup('Options:');

export const verbosityOf = ({ quiet, verbose, debug }: OutputFlags): Verbosity =>
  quiet === true ? 'quiet' : verbose === true || debug === true ? 'verbose' : 'normal';

/** What a result looks like in each format a command knows; JSON and YAML are the document itself. */
export interface Result {
  readonly document: Readonly<Record<string, unknown>>;
  readonly texts: Partial<Readonly<Record<Format, () => string | Promise<string>>>>;
}

/** Prints a result as the flags say. */
export const emit = async (
  streams: Streams,
  { output = 'text', out }: OutputFlags,
  { document, texts }: Result,
): Promise<void> => {
  const text =
    output === 'json' || output === 'yaml'
      ? await documentText(document, output)
      : ((await texts[output]?.()) ?? '');
  if (out !== undefined) writeResult(out, stripVTControlCharacters(text));
  else streams.stdout.write(output === 'text' ? wrapped(text, streams.stdout.columns) : text);
};
