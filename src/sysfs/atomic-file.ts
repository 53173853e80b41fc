import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { HostError } from '../errors.ts';
import { errnoOf } from './errno.ts';

export interface FileContent {
  readonly content: string | Uint8Array;
  /** For a new file 0o644 unless given; an old one's mode is kept unless given. */
  readonly mode?: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/**
 * Replaces a file as a whole: a temporary file beside it, flushed, then renamed over it. After a
 * crash there is the old or the new file, never half of one. A symbolic link stays and its target
 * is replaced; owner and mode are kept.
 *
 * @throws HostError with the errno; the temporary file is gone then.
 */
export const writeFileAtomically = (path: string, file: FileContent): void => {
  let temporary = '';
  try {
    const target = followed(path);
    temporary = join(dirname(target), `.${basename(target)}.sriovctl-${process.pid}`);
    makeFolder(dirname(target));
    const old = statSync(target, { throwIfNoEntry: false });
    const handle = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(handle, file.content);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    const owner = file.owner ?? old;
    if (owner !== undefined) chownSync(temporary, owner.uid, owner.gid);
    chmodSync(temporary, file.mode ?? (old === undefined ? 0o644 : old.mode & 0o7777));
    renameSync(temporary, target);
    flushFolder(dirname(target));
  } catch (error) {
    if (temporary !== '') rmSync(temporary, { force: true });
    throw new HostError(errnoOf(error) ?? 'EIO', path, 'writing the file', {
      cause: error,
    });
  }
};

/** Removes a file, or a folder that is empty. Gone already is fine. */
export const removeFile = (path: string): void => {
  try {
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true) rmdirSync(path);
    else rmSync(path, { force: true });
    flushFolder(dirname(path));
  } catch (error) {
    throw new HostError(errnoOf(error) ?? 'EIO', path, 'removing', { cause: error });
  }
};

const followed = (path: string): string =>
  lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true ? realpathSync(path) : path;

/** Makes a folder with those above it, all flushed, so that what is flushed in it is found after a crash. */
export const makeFolder = (path: string, mode?: number): void => {
  const outermost = mkdirSync(path, { recursive: true, mode });
  if (outermost === undefined) return;
  for (let made = path; made.length >= outermost.length; made = dirname(made)) {
    flushFolder(dirname(made));
  }
};

/** Flushes the names in a folder: those of its files, not what is in them. */
export const flushFolder = (path: string): void => {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
};
