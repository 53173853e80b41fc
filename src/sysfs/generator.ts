import { readFileSync } from 'node:fs';
import type { Command } from '../host.ts';
import { removeFile, writeFileAtomically } from './atomic-file.ts';
import { errnoOf } from './errno.ts';
import { runToSuccess } from './linux-command.ts';

/**
 * Runs a program that makes files. One that fails (a full disk) may leave half of them: they are put
 * back then, and those that were not there go first, which makes room for the others.
 */
export const runGenerator = async (command: Command, paths: readonly string[]): Promise<void> => {
  const before = paths.map((path) => ({ path, content: contentOf(path) }));
  try {
    await runToSuccess(command);
  } catch (error) {
    for (const { path, content } of before) if (content === undefined) removeFile(path);
    for (const { path, content } of before) {
      if (content === undefined || contentOf(path)?.equals(content) === true) continue;
      writeFileAtomically(path, { content });
    }
    throw error;
  }
};

const contentOf = (path: string): Buffer | undefined => {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
};
