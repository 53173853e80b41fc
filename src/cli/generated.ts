import type { Command } from 'commander';
import { type ManPage, manPages } from './man.ts';
import { makeProgram } from './program.ts';
import { exitCodesTable, referenceMarkdown, stagesTable } from './reference.ts';
import type { Streams } from './streams.ts';

export interface GeneratedDocs {
  readonly reference: string;
  readonly stages: string;
  readonly exitCodes: string;
  readonly man: readonly ManPage[];
}

/** Everything that is written from the code: what scripts put into files, and tests compare. */
export const generatedDocs = async (): Promise<GeneratedDocs> => {
  const program: Command = await makeProgram(nowhere);
  return {
    reference: referenceMarkdown(program),
    stages: stagesTable(),
    exitCodes: exitCodesTable(),
    man: manPages(program),
  };
};

const silent = { write: () => true } as unknown as Streams['stdout'];
const nowhere: Streams = { stdout: silent, stderr: silent, exitCode: 0 };
