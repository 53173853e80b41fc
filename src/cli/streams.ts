import { stripVTControlCharacters } from 'node:util';
import chalk, { chalkStderr } from 'chalk';
import { plainTerminal, transliterate } from '../report/symbols.ts';

/** Where a command writes: stdout carries the result and nothing else, stderr the rest. */
export interface Streams {
  readonly stdout: NodeJS.WritableStream & Terminal;
  readonly stderr: NodeJS.WritableStream & Terminal;
  /** What the process ends with; set by the command that ran. */
  exitCode: number;
  /** How errors are told besides the text on stderr; set before a command runs. */
  errorFormat?: 'json' | 'yaml';
  debug?: boolean;
}

interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/**
 * The streams of this process. Colour is decided for each: a file gets none because a terminal is
 * beside it, and a terminal does not lose its own because the other stream is piped.
 */
export const openStreams = (): Streams => {
  const silent = Boolean(process.env['NO_COLOR']) && process.env['FORCE_COLOR'] === undefined;
  const levels = { out: silent ? 0 : chalk.level, err: silent ? 0 : chalkStderr.level };
  chalk.level = levels.out > levels.err ? levels.out : levels.err;
  return {
    stdout: writer(process.stdout, levels.out > 0),
    stderr: writer(process.stderr, levels.err > 0),
    exitCode: 0,
  };
};

/** The very same stream, which takes out on the way what its reader cannot show. */
const writer = (stream: NodeJS.WriteStream, coloured: boolean): NodeJS.WriteStream => {
  if (coloured && !plainTerminal) return stream;
  return Object.create(stream, {
    write: {
      value: (text: string): boolean => {
        const shown = coloured ? text : stripVTControlCharacters(text);
        return stream.write(plainTerminal ? transliterate(shown) : shown);
      },
    },
  }) as NodeJS.WriteStream;
};
