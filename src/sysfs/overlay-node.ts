import { HostError } from '../errors.ts';
import type { HostPath } from '../host.ts';
import { isSealed } from './text.ts';

/** A file, link or folder that is to be put into the overlay with all that is in it. */
export type Planting =
  | string
  | Uint8Array
  | { readonly link: string }
  | { readonly content: string | Uint8Array; readonly mode?: number; readonly readErrno?: string }
  | { readonly folder: Readonly<Record<string, Planting>> };

/** Permission bits and owner. */
export interface Owned {
  mode: number;
  uid: number;
  gid: number;
}
export interface FileNode extends Owned {
  readonly kind: 'file';
  content: string | Uint8Array;
  readErrno?: string | undefined;
}
interface LinkNode {
  readonly kind: 'link';
  readonly target: string;
}
/** `opaque` hides what the base has under the same path. */
export interface FolderNode extends Owned {
  readonly kind: 'directory';
  readonly opaque: boolean;
  readonly entries: Map<string, Node>;
}
/** What the base has here is gone. */
interface Whiteout {
  readonly kind: 'gone';
}
export type Node = FileNode | LinkNode | FolderNode | Whiteout;

export const nodeOf = (planting: Planting): Node => {
  if (typeof planting === 'string' || planting instanceof Uint8Array) {
    return { kind: 'file', content: planting, mode: 0o644, uid: 0, gid: 0 };
  }
  if ('link' in planting) return { kind: 'link', target: planting.link };
  if ('folder' in planting) {
    const entries = Object.entries(planting.folder).map(
      ([name, inner]) => [name, nodeOf(inner)] as const,
    );
    return folderNode(new Map(entries), true);
  }
  const { content, mode = 0o644, readErrno } = planting;
  return { kind: 'file', content, mode, uid: 0, gid: 0, readErrno };
};

export const folderNode = (entries: Map<string, Node>, opaque: boolean): FolderNode => ({
  kind: 'directory',
  opaque,
  entries,
  mode: 0o755,
  uid: 0,
  gid: 0,
});

/** The content of a node of the overlay, or the errno its reader would get. */
export const contentOf = (
  path: HostPath,
  real: HostPath,
  node: Node,
): FileNode['content'] | undefined => {
  if (node.kind === 'directory') throw new HostError('EISDIR', path, 'read');
  if (node.kind !== 'file') return undefined;
  const errno = node.readErrno ?? (isSealed(real, node.mode) ? 'EACCES' : undefined);
  if (errno === 'ENOENT' || errno === 'ENODEV') return undefined;
  if (errno !== undefined) throw new HostError(errno, path, 'read');
  return node.content;
};
