import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { type ManPage, manPages } from './man.ts';
import { makeProgram } from './program.ts';
import { exitCodesTable, referenceMarkdown, stagesTable } from './reference.ts';
import type { Streams } from './streams.ts';

export interface GeneratedDocs {
  readonly reference: string;
  readonly stages: string;
  readonly exitCodes: string;
  /** A command line and what it prints, for the README. */
  readonly run: string;
  /** The host after that run, as a picture. */
  readonly topology: string;
  readonly man: readonly ManPage[];
}

/** Everything that is written from the code: what scripts put into files, and tests compare. */
export const generatedDocs = async (): Promise<GeneratedDocs> => {
  const program = await makeProgram(streamsTo(() => undefined));
  return {
    reference: referenceMarkdown(program),
    stages: stagesTable(),
    exitCodes: exitCodesTable(),
    ...(await demonstration()),
    man: manPages(program),
  };
};

const demonstration = async (): Promise<Pick<GeneratedDocs, 'run' | 'topology'>> => {
  const command = 'setup --simulate fixtures/i350-t2 --pf enp1s0f0 --vfs 4';
  const folder = await mkdtemp(join(tmpdir(), 'sriovctl-docs-'));
  try {
    const kept = join(folder, 'kept');
    const printed = await printedBy(...command.split(' '), '--simulate-out', kept);
    return {
      run: `\`\`\`console\n$ sriovctl ${command}\n${printed}\`\`\``,
      topology: await printedBy('list', '--simulate', kept, '-o', 'svg'),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** Both streams of a command line in the order in which a terminal shows them. */
const printedBy = async (...args: readonly string[]): Promise<string> => {
  let text = '';
  const program = await makeProgram(streamsTo((part) => (text += part)));
  await program.parseAsync(args, { from: 'user' });
  return stripVTControlCharacters(text);
};

const streamsTo = (take: (text: string) => unknown): Streams => {
  const write = (text: string): boolean => {
    take(text);
    return true;
  };
  const stream = { write } as unknown as Streams['stdout'];
  return { stdout: stream, stderr: stream, exitCode: 0 };
};
