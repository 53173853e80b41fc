import {
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { posix } from 'node:path';
import { HostError, SriovctlError } from '../errors.ts';
import type { FileStat, HostFs, HostPath, HostView } from '../host.ts';
import { errnoOf } from './errno.ts';
import { type Entry, pathWalk } from './path-walk.ts';
import { isSealed, readUtf8 } from './text.ts';
import { type Manifest, manifestName, parseManifest } from './tree-manifest.ts';

/** A file system that is not this machine's: it also gives bytes, and knows what cannot be written. */
export interface TreeFs extends HostFs {
  readBytes(path: HostPath): Promise<Uint8Array | undefined>;
  /** The errno that a write there would fail with, whatever is written. */
  writeErrno(path: HostPath): Promise<string | undefined>;
}

/**
 * A captured host tree (a folder with sys/, proc/, etc/ … and a MANIFEST). Links are followed with
 * the folder as root; nothing outside of it is ever read.
 *
 * @throws SriovctlError if there is no such tree.
 */
export const treeFs = (dir: string): TreeFs => {
  const top = openTree(dir);
  const manifest = readManifest(top);
  const lookup = (real: HostPath): Entry | undefined => lookUp(top, manifest, real);
  const emptyFolders = namesByFolder(manifest.directories);
  const walk = pathWalk(lookup);

  const readWith = async <T>(path: HostPath, read: (file: string) => T): Promise<T | undefined> => {
    const real = await walk.follow(path);
    if (real === undefined) return undefined;
    const errno = manifest.readErrnos.get(real);
    if (errno === 'ENOENT' || errno === 'ENODEV') return undefined;
    const sealed = isSealed(real, manifest.modes.get(real) ?? 0o644);
    if (errno !== undefined || sealed) throw new HostError(errno ?? 'EACCES', path, 'read');
    if (manifest.directories.has(real)) throw new HostError('EISDIR', path, 'read');
    return guarded(path, () => read(top + real));
  };

  return {
    readBytes: (path) => readWith(path, (file) => readFileSync(file)),
    readText: (path) => readWith(path, (file) => readUtf8(path, file)),
    readLink: async (path) => {
      const real = await walk.place(path);
      const entry = real && lookup(real);
      if (entry === undefined) return undefined;
      if (entry.kind !== 'link') throw new HostError('EINVAL', path, 'read');
      return entry.target;
    },
    list: async (path) => {
      const real = await walk.follow(path);
      return real && listNames(top, path, real, emptyFolders.get(real) ?? []);
    },
    stat: async (path) => {
      const real = await walk.place(path);
      return real && statOf(top, manifest, real);
    },
    writeErrno: async (path) => {
      const real = await walk.follow(path);
      return real && manifest.writeErrnos.get(real);
    },
  };
};

/** The same tree as a host to look at; no program knows anything of it. */
export const treeView = (dir: string): HostView & { readonly fs: TreeFs } => ({
  fs: treeFs(dir),
  query: async ({ argv }) => ({
    ran: false,
    because: `the captured tree has no recording of ${posix.basename(argv[0])}`,
  }),
});

const openTree = (dir: string): string => {
  const problem = !exists(dir)
    ? `--simulate ${dir}: there is no such folder`
    : exists(`${dir}/sys`)
      ? undefined
      : `--simulate ${dir}: it has no sys folder`;
  if (problem === undefined) return realpathSync(dir);
  throw new SriovctlError('NOT_A_TREE', problem, {
    exit: 'usage',
    hint: 'Give a captured host tree: a folder with the host’s sys/, proc/ and etc/, such as fixtures/i350-t2.',
  });
};

const exists = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

const readManifest = (top: string): Manifest => {
  const file = `${top}/${manifestName}`;
  const missing = lstatSync(file, { throwIfNoEntry: false }) === undefined;
  return parseManifest(missing ? '' : readFileSync(file, 'utf8'), file);
};

const lookUp = (top: string, manifest: Manifest, real: HostPath): Entry | undefined => {
  if (real === '/') return { kind: 'directory' };
  const stat = lstatSync(top + real, { throwIfNoEntry: false });
  if (stat === undefined) {
    return manifest.directories.has(real) ? { kind: 'directory' } : undefined;
  }
  if (stat.isSymbolicLink()) return { kind: 'link', target: readlinkSync(top + real) };
  if (stat.isDirectory()) return { kind: 'directory' };
  // A device or a pipe would lead out of the tree.
  return stat.isFile() ? { kind: 'file' } : undefined;
};

/** Owner and mode are the host's, not those that a checkout happens to have. */
const statOf = (top: string, manifest: Manifest, real: HostPath): FileStat | undefined => {
  const stat = lstatSync(top + real, { throwIfNoEntry: false });
  const kind = lookUp(top, manifest, real)?.kind;
  if (kind === undefined) return undefined;
  const executable = ((stat?.mode ?? 0) & 0o100) !== 0;
  const usual = { directory: 0o755, link: 0o777, file: executable ? 0o755 : 0o644 }[kind];
  return { kind, mode: manifest.modes.get(real) ?? usual, uid: 0, gid: 0 };
};

const listNames = (
  top: string,
  path: HostPath,
  real: HostPath,
  emptyFolders: readonly string[],
): readonly string[] => {
  const onDisk = lstatSync(top + real, { throwIfNoEntry: false }) !== undefined;
  const names = new Set(onDisk ? guarded(path, () => readdirSync(top + real)) : []);
  if (real === '/') names.delete(manifestName);
  for (const name of emptyFolders) names.add(name);
  return [...names];
};

const namesByFolder = (paths: Iterable<HostPath>): ReadonlyMap<string, readonly string[]> => {
  const names = new Map<string, string[]>();
  for (const path of paths) {
    const folder = posix.dirname(path);
    names.set(folder, [...(names.get(folder) ?? []), posix.basename(path)]);
  }
  return names;
};

const guarded = <T>(path: HostPath, read: () => T): T => {
  try {
    return read();
  } catch (error) {
    throw new HostError(errnoOf(error) ?? 'EIO', path, 'read', { cause: error });
  }
};
