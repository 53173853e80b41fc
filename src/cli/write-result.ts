import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { SriovctlError } from '../errors.ts';

/** Writes a result where --out says: all of it or nothing, over what was there. */
export const writeResult = (file: string, text: string): void => {
  attempt(file, () => {
    // A pipe or a terminal is written to as it is; only a file can be swapped.
    if (/^\/(dev|proc)\//.test(file)) {
      writeFileSync(file, text);
      return;
    }
    const fresh = `${file}.new-${String(process.pid)}`;
    try {
      writeFileSync(fresh, text, { flag: 'wx', mode: 0o644 });
      renameSync(fresh, file);
    } catch (error) {
      rmSync(fresh, { force: true });
      throw error;
    }
  });
};

/** Writes a file that must not be there yet: what a user has edited is never written over. */
export const writeNew = (file: string, text: string): void => {
  attempt(file, () => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { flag: 'wx', mode: 0o644 });
  });
};

const attempt = (file: string, write: () => void): void => {
  try {
    write();
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new SriovctlError('OUT_UNWRITABLE', `${file} cannot be written (${code})`, {
      exit: 'usage',
      hint:
        code === 'EEXIST'
          ? 'It is there already: remove it, or write to another file.'
          : 'Write to another file.',
      cause: error,
    });
  }
};
