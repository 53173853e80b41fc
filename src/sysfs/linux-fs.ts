import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { HostError } from '../errors.ts';
import type { FileStat, HostFs, HostPath } from '../host.ts';
import { errnoOf, errnoOfMessage } from './errno.ts';
import { runCommand } from './linux-command.ts';
import { readUtf8 } from './text.ts';

/** How long a read of an attribute that can block may take, in milliseconds. */
const blockingReadMs = 10_000;

/** Reading it takes the PF's device lock, which a write holds as long as it runs (drivers/pci/iov.c). */
export const canBlock = (path: HostPath): boolean => path.endsWith('/sriov_numvfs');

/**
 * This machine's file system below `root`. Reads are synchronous behind the asynchronous type
 * (a thousand VFs are read six times faster so), except for what can block in the kernel.
 */
export const linuxFs = (root = '/'): HostFs => {
  const real = (path: HostPath): string => (root === '/' ? path : join(root, path));
  return {
    readText: async (path) =>
      canBlock(path)
        ? readInChild(path, real(path))
        : guarded(path, () => readUtf8(path, real(path))),
    readLink: async (path) => guarded(path, () => readlinkSync(real(path))),
    list: async (path) => guarded(path, () => readdirSync(real(path))),
    stat: async (path) => guarded(path, () => statOf(real(path))),
  };
};

/** `undefined` for what is not there (or just went away), a HostError for everything else. */
const guarded = <T>(path: HostPath, read: () => T): T | undefined => {
  try {
    return read();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENODEV') return undefined;
    if (errno === undefined || error instanceof HostError) throw error;
    throw new HostError(errno, path, 'read', { cause: error });
  }
};

const statOf = (path: string): FileStat | undefined => {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  const kind = stat.isSymbolicLink() ? 'link' : stat.isDirectory() ? 'directory' : 'file';
  return { kind, mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid };
};

const readInChild = async (path: HostPath, realPath: string): Promise<string | undefined> => {
  const result = await runCommand({ argv: ['cat', '--', realPath], timeoutMs: blockingReadMs });
  if (!result.ran) throw new HostError('ENOENT', 'cat', result.because);
  if (result.exitCode === 0) return result.stdout;
  const errno = errnoOfMessage(result.stderr) ?? 'EIO';
  if (errno === 'ENOENT' || errno === 'ENODEV') return undefined;
  throw new HostError(errno, path, 'read');
};
