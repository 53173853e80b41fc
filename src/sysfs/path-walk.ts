import { posix } from 'node:path';
import { HostError } from '../errors.ts';
import type { HostPath } from '../host.ts';

/** What a name in a directory stands for, as far as finding a way through it goes. */
export type Entry =
  | { readonly kind: 'directory' }
  | { readonly kind: 'file' }
  | { readonly kind: 'link'; readonly target: string };

/** Looks an entry up by its real path: no part of it but the last is a link. */
export type Lookup = (real: HostPath) => Entry | undefined | Promise<Entry | undefined>;

export interface PathWalk {
  /** The real path of a name, whether it exists or not; `undefined` if its folder does not exist. */
  place(path: HostPath): Promise<HostPath | undefined>;
  /** The same with a link at the end followed too; `undefined` if nothing is there. */
  follow(path: HostPath): Promise<HostPath | undefined>;
  /** Links or folders have gone or been replaced: what was found out about folders no longer holds. */
  forget(): void;
}

/** ELOOP after as many links as the kernel follows (MAXSYMLINKS, include/linux/namei.h). */
const maxLinks = 40;

/**
 * Finds the way along a path whose root is the top of the tree: absolute targets start there and
 * `..` stays there, so that no link leads out of a tree.
 */
export const pathWalk = (lookup: Lookup): PathWalk => {
  // Only what exists: something new cannot make any of it wrong. By spelling, and by real path.
  const folders = new Map<string, HostPath>();
  const realFolders = new Set<HostPath>();

  const walk = async (
    from: HostPath,
    path: string,
    subject: HostPath,
    links = 0,
  ): Promise<HostPath | undefined> => {
    if (links > maxLinks) throw new HostError('ELOOP', subject, 'too many links');
    let at: HostPath = path.startsWith('/') ? '/' : from;
    for (const part of path.split('/')) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        at = posix.dirname(at) as HostPath;
        continue;
      }
      const next = child(at, part);
      if (realFolders.has(next)) {
        at = next;
        continue;
      }
      const entry = await lookup(next);
      if (entry === undefined) return undefined;
      if (entry.kind === 'directory') realFolders.add(next);
      const target =
        entry.kind === 'link' ? await walk(at, entry.target, subject, links + 1) : next;
      if (target === undefined) return undefined;
      at = target;
    }
    return at;
  };

  const folder = async (path: HostPath, subject: HostPath): Promise<HostPath | undefined> => {
    const known = folders.get(path);
    if (known !== undefined) return known;
    const real = await walk('/', path, subject);
    if (real === undefined) return undefined;
    if ((await lookup(real))?.kind === 'file') {
      throw new HostError('ENOTDIR', subject, 'a part of it is a file');
    }
    folders.set(path, real);
    return real;
  };

  const place = async (path: HostPath): Promise<HostPath | undefined> => {
    const name = posix.basename(path);
    if (path === '/' || name === '.' || name === '..') return walk('/', path, path);
    const parent = await folder(posix.dirname(path) as HostPath, path);
    return parent === undefined ? undefined : child(parent, name);
  };

  return {
    place,
    follow: async (path) => {
      const real = await place(path);
      if (real === undefined) return undefined;
      const entry = await lookup(real);
      if (entry?.kind !== 'link') return entry === undefined ? undefined : real;
      return walk(posix.dirname(real) as HostPath, entry.target, path, 1);
    },
    forget: () => {
      folders.clear();
      realFolders.clear();
    },
  };
};

export const child = (folder: HostPath, name: string): HostPath =>
  folder === '/' ? `/${name}` : `${folder}/${name}`;
