import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { everyCommand } from '../../src/cli/command-tree.ts';
import { makeProgram } from '../../src/cli/program.ts';
import { openStreams } from '../../src/cli/streams.ts';

const root = join(import.meta.dirname, '../..');

const filesIn = (folder: string, ending: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));

interface Mention {
  readonly file: string;
  readonly command: string;
}

/** Without what stands for other words, and what a page says behind a command. */
const spoken = (line: string): string =>
  line
    .replace(/ {2,}[^-[ …].*$/, '')
    .replace(/\s*(…|\.\.\.).*$/, '')
    .replace(/\[[^\]]*\]|\s>\s*\S+|<[a-z]+>|\b(NAME|FILE|DIR|CODE)\b/g, '')
    .trim();

const mentions = (file: string, patterns: readonly RegExp[]): readonly Mention[] => {
  const text = readFileSync(join(root, file), 'utf8');
  return patterns.flatMap((pattern) =>
    [...text.matchAll(pattern)].flatMap(([, line = '']) =>
      line.split(/ && | \| | # /).flatMap((part) => {
        const command = spoken(part);
        return command.startsWith('sriovctl ') ? [{ file, command }] : [];
      }),
    ),
  );
};

/** Command lines in pages: in a console, indented, or within a sentence. */
const inPages = ['README.md', ...filesIn('docs', '.md')].flatMap((file) =>
  mentions(file, [/^(?:\$ | {4}|\d+\. )?(sriovctl [a-z].*)$/gm, /`(sriovctl [a-z][^`]*)`/g]),
);

/** Command lines in what the program says; those with a value of the run are left out. */
const inHints = filesIn('src', '.ts').flatMap((file) =>
  mentions(file, [/\\?`(sriovctl [a-z][^`$]*?)\\?`/g]),
);

/** Parses a command line without running it. */
const parsed = async (line: string): Promise<void> => {
  const program = await makeProgram(openStreams());
  for (const { command } of everyCommand(program)) command.action(() => undefined);
  const words = line.split(/\s+/).slice(1);
  await program.parseAsync(words, { from: 'user' });
};

/** A page may name a command without the words that it cannot do without; help ends the parsing. */
const incomplete = (error: unknown): boolean =>
  /missing required argument|argument missing|outputHelp/.test(String(error));

describe.each([
  ['pages', inPages],
  ['hints', inHints],
] as const)('command lines in %s', (_, all) => {
  const lines = [...new Map(all.map((mention) => [mention.command, mention])).values()];

  test('are found', () => {
    expect(lines.length).toBeGreaterThan(20);
  });

  test.each(lines)('$command', async ({ command, file }) => {
    try {
      await parsed(command);
    } catch (error) {
      if (!incomplete(error)) throw new Error(`${file}: ${String(error)}`, { cause: error });
    }
  });
});
