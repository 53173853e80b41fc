import { posix } from 'node:path';
import { HostError } from '../errors.ts';
import type { FileStat, HostFs, HostPath } from '../host.ts';
import {
  contentOf,
  type FolderNode,
  folderNode,
  type Node,
  nodeOf,
  type Owned,
  type Planting,
} from './overlay-node.ts';
import { type Entry, type PathWalk, pathWalk } from './path-walk.ts';
import { decodeText } from './text.ts';
import type { TreeFs } from './tree-fs.ts';

export type { Planting } from './overlay-node.ts';

/** A real path looked up: the overlay's node, and whether the base may be asked if there is none. */
interface Found {
  readonly node: Node | undefined;
  readonly baseVisible: boolean;
}

/**
 * A copy-on-write view: reads come from the base but for what has been changed here, and the base is
 * never written to. Links lead from the one into the other. Before the first change the base is asked
 * as it is, since following links through both costs several reads for one.
 */
export class Overlay implements TreeFs {
  readonly #base: HostFs;
  readonly #root: FolderNode = folderNode(new Map(), false);
  readonly #walk: PathWalk;
  readonly #baseEntries = new Map<HostPath, Entry>();
  readonly #changed = new Set<HostPath>();

  constructor(base: HostFs) {
    this.#base = base;
    this.#walk = pathWalk((real) => this.#entry(real));
  }

  async readText(path: HostPath): Promise<string | undefined> {
    if (this.#changed.size === 0) return this.#base.readText(path);
    const real = await this.#walk.follow(path);
    if (real === undefined) return undefined;
    const node = this.#find(real).node;
    if (node === undefined) return this.#base.readText(real);
    const content = contentOf(path, real, node);
    return typeof content === 'string' || content === undefined
      ? content
      : decodeText(path, content);
  }

  async readBytes(path: HostPath): Promise<Uint8Array | undefined> {
    const real = await this.#walk.follow(path);
    if (real === undefined) return undefined;
    const node = this.#find(real).node;
    if (node === undefined && 'readBytes' in this.#base) {
      return (this.#base as TreeFs).readBytes(real);
    }
    const content =
      node === undefined ? await this.#base.readText(real) : contentOf(path, real, node);
    return typeof content === 'string' ? new TextEncoder().encode(content) : content;
  }

  async writeErrno(path: HostPath): Promise<string | undefined> {
    const real = await this.#walk.follow(path);
    if (real === undefined || !('writeErrno' in this.#base)) return undefined;
    return this.#find(real).baseVisible ? (this.#base as TreeFs).writeErrno(real) : undefined;
  }

  async readLink(path: HostPath): Promise<string | undefined> {
    if (this.#changed.size === 0) return this.#base.readLink(path);
    const real = await this.#walk.place(path);
    const entry = real && (await this.#entry(real));
    if (entry === undefined) return undefined;
    if (entry.kind !== 'link') throw new HostError('EINVAL', path, 'read');
    return entry.target;
  }

  async list(path: HostPath): Promise<readonly string[] | undefined> {
    if (this.#changed.size === 0) return this.#base.list(path);
    const real = await this.#walk.follow(path);
    if (real === undefined) return undefined;
    const { node, baseVisible } = this.#find(real);
    if (node === undefined) return this.#base.list(real);
    if (node.kind !== 'directory') throw new HostError('ENOTDIR', path, 'read');
    const names = new Set(baseVisible ? await this.#base.list(real) : []);
    for (const [name, { kind }] of node.entries) {
      if (kind === 'gone') names.delete(name);
      else names.add(name);
    }
    return [...names];
  }

  async stat(path: HostPath): Promise<FileStat | undefined> {
    if (this.#changed.size === 0) return this.#base.stat(path);
    const real = await this.#walk.place(path);
    return real && this.#stat(real);
  }

  /** The path behind all links; `undefined` if nothing is there. */
  realPath(path: HostPath): Promise<HostPath | undefined> {
    return this.#walk.follow(path);
  }

  /**
   * Replaces or makes a file, behind the links that lead to it. Mode and owner stay unless given.
   *
   * @throws HostError ENOENT without its folder, EISDIR for a folder.
   */
  async writeFile(
    path: HostPath,
    content: string | Uint8Array,
    owned: Partial<Owned> = {},
  ): Promise<void> {
    const place = await this.#walk.place(path);
    const entry = place && (await this.#entry(place));
    const real = entry?.kind === 'link' ? await this.#walk.follow(path) : place;
    if (real === undefined) throw new HostError('ENOENT', path, 'write');
    const old = await this.#stat(real);
    if (old?.kind === 'directory') throw new HostError('EISDIR', path, 'write');
    const { mode, uid, gid } = { mode: 0o644, uid: 0, gid: 0, ...old, ...owned };
    await this.#put(real, { kind: 'file', content, mode, uid, gid });
  }

  /** Makes a symbolic link; what stood there is replaced. */
  async setLink(path: HostPath, target: string): Promise<void> {
    await this.plant(path, { link: target });
  }

  /** Makes a folder and those above it; one that exists is left as it is. */
  async mkdir(path: HostPath): Promise<void> {
    if ((await this.#walk.follow(path)) === undefined) await this.plant(path, { folder: {} });
  }

  /** Puts a file, a link or a whole folder where nothing of what stood there shines through. */
  async plant(path: HostPath, planting: Planting): Promise<void> {
    await this.#plantNode(path, nodeOf(planting));
  }

  /** Removes a file, a link or a folder with all that is in it; it need not exist. */
  async remove(path: HostPath): Promise<void> {
    const real = await this.#walk.place(path);
    if (real === undefined || (await this.#entry(real)) === undefined) return;
    await this.#put(real, { kind: 'gone' });
    this.#walk.forget();
  }

  /** Gives a file, link or folder that was put into the overlay another place. */
  async rename(from: HostPath, to: HostPath): Promise<void> {
    const real = await this.#walk.place(from);
    const node = real && this.#find(real).node;
    if (node === undefined) throw new HostError('EXDEV', from, 'not in the overlay');
    await this.remove(from);
    await this.#plantNode(to, node);
  }

  /** The real path of everything that was written, made or removed, in the order it happened. */
  changes(): readonly HostPath[] {
    return [...this.#changed];
  }

  async #plantNode(path: HostPath, node: Node): Promise<void> {
    const folder = posix.dirname(path) as HostPath;
    if ((await this.#walk.follow(folder)) === undefined) await this.mkdir(folder);
    const real = await this.#walk.place(path);
    if (real === undefined) throw new HostError('ENOENT', path, 'write');
    const old = await this.#entry(real);
    await this.#put(real, node);
    if (old !== undefined && old.kind !== 'file') this.#walk.forget();
  }

  #find(real: HostPath): Found {
    let node: Node | undefined = this.#root;
    let baseVisible = true;
    // By places and not by split(): most paths leave the overlay after a name or two.
    for (let at = 1; at < real.length; ) {
      const slash = real.indexOf('/', at);
      const end = slash < 0 ? real.length : slash;
      const name = real.slice(at, end);
      at = end + 1;
      if (name === '') continue;
      if (node.kind !== 'directory') return { node: { kind: 'gone' }, baseVisible: false };
      baseVisible &&= !node.opaque;
      node = node.entries.get(name);
      if (node === undefined) {
        return { node: baseVisible ? undefined : { kind: 'gone' }, baseVisible };
      }
    }
    return { node, baseVisible: baseVisible && node.kind === 'directory' && !node.opaque };
  }

  async #entry(real: HostPath): Promise<Entry | undefined> {
    const { node } = this.#find(real);
    if (node !== undefined) return node.kind === 'gone' ? undefined : node;
    const known = this.#baseEntries.get(real);
    if (known !== undefined) return known;
    const stat = await this.#base.stat(real);
    if (stat === undefined) return undefined;
    const entry: Entry =
      stat.kind === 'link'
        ? { kind: 'link', target: (await this.#base.readLink(real)) ?? '' }
        : { kind: stat.kind };
    if (entry.kind !== 'file') this.#baseEntries.set(real, entry);
    return entry;
  }

  async #stat(real: HostPath): Promise<FileStat | undefined> {
    const { node } = this.#find(real);
    if (node === undefined) return this.#base.stat(real);
    if (node.kind === 'gone') return undefined;
    if (node.kind === 'link') return { kind: 'link', mode: 0o777, uid: 0, gid: 0 };
    const base = node === this.#root ? await this.#base.stat(real) : undefined;
    const { kind, mode, uid, gid } = base ?? node;
    return { kind, mode, uid, gid };
  }

  async #put(real: HostPath, node: Node): Promise<void> {
    const folder = await this.#folderNode(posix.dirname(real) as HostPath);
    folder.entries.set(posix.basename(real), node);
    this.#changed.delete(real);
    this.#changed.add(real);
  }

  /** The overlay's own node for a folder that exists; made from the base's if need be. */
  async #folderNode(real: HostPath): Promise<FolderNode> {
    const { node } = this.#find(real);
    if (node?.kind === 'directory') return node;
    if (node !== undefined) throw new HostError('ENOTDIR', real, 'write');
    const stat = await this.#base.stat(real);
    if (stat?.kind !== 'directory') throw new HostError('ENOTDIR', real, 'write');
    const parent = await this.#folderNode(posix.dirname(real) as HostPath);
    const made: FolderNode = { ...folderNode(new Map(), false), ...owner(stat) };
    parent.entries.set(posix.basename(real), made);
    return made;
  }
}

const owner = ({ mode, uid, gid }: FileStat): Owned => ({ mode, uid, gid });
