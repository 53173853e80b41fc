import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { Change } from '../change.ts';
import { HostError } from '../errors.ts';
import type { Action, EswitchSettings, HostFs, HostPath, HostView, VfAttributes } from '../host.ts';
import { attributeSpelling } from '../sysfs/attribute.ts';
import { eswitchAsBefore, readEswitch } from '../sysfs/devlink.ts';
import { pfOfNumvfs } from '../sysfs/paths.ts';
import { statOfTarget } from '../sysfs/read.ts';
import { asBefore, readVfLinks } from '../sysfs/vf-link.ts';
import { captureRemovedVfs, type RemovedVf } from './removed-vfs.ts';

/** What stood where an action writes, seen by the engine right before the write. */
export type Before =
  | { readonly kind: 'value'; readonly value: string }
  /** A number of VFs, and the VFs, which go when it changes. */
  | { readonly kind: 'vfs'; readonly value: string; readonly removed: readonly RemovedVf[] }
  | {
      readonly kind: 'file';
      readonly content: string;
      readonly mode: number;
      readonly owner: { readonly uid: number; readonly gid: number };
    }
  /** No such file; `missing` are the parent folders that are missing too, outermost first. */
  | { readonly kind: 'absent'; readonly missing: readonly HostPath[] }
  | { readonly kind: 'vf'; readonly vfs: Readonly<Record<number, VfAttributes>> }
  | { readonly kind: 'eswitch'; readonly settings: EswitchSettings }
  | { readonly kind: 'generated'; readonly files: Fingerprints }
  | { readonly kind: 'nothing' };

/** SHA-256 by path, `null` for a file that is not there: enough to tell whether it has changed. */
export type Fingerprints = Readonly<Record<HostPath, string | null>>;

export const captureBefore = async (
  host: HostView,
  { action, undo }: Pick<Change, 'action' | 'undo'>,
): Promise<Before> => {
  const { fs } = host;
  // Nobody asks for the content of a file that does not come back: it may be a program or a token.
  if (action.kind === 'remove' && undo === 'irreversible') return { kind: 'nothing' };
  switch (action.kind) {
    case 'attribute': {
      const value = await fs.readText(action.path);
      if (value === undefined) return { kind: 'nothing' };
      const pf = pfOfNumvfs(action.path);
      if (pf === undefined) return { kind: 'value', value };
      return { kind: 'vfs', value, removed: await captureRemovedVfs(host, pf) };
    }
    case 'file':
    case 'remove':
      return captureFile(fs, action.path);
    case 'vf':
      return captureVfs(host, action);
    case 'eswitch':
      return { kind: 'eswitch', settings: (await readEswitch(host, action.address)) ?? {} };
    case 'regenerate':
      return { kind: 'generated', files: await fingerprints(fs, action.generates ?? []) };
    default:
      return { kind: 'nothing' };
  }
};

/** The text that stood there, for a reader; `undefined` where there was none to see. */
export const beforeText = (before: Before): string | undefined => {
  if ('value' in before) return before.value.trim();
  return before.kind === 'file' ? before.content : undefined;
};

/**
 * What takes a performed change back: what the stage gave, else derived from the state before.
 * Generators are not among them: they run again once everything they read is restored.
 */
export const undoActions = ({ action, undo }: Change, before: Before): readonly Action[] => {
  if (undo === 'irreversible' || action.kind === 'regenerate') return [];
  if (undo !== undefined) return undo;
  if (action.kind === 'attribute' && 'value' in before) {
    const value = attributeSpelling(action.path, before.value);
    return [{ kind: 'attribute', path: action.path, value }];
  }
  if (action.kind === 'vf' && before.kind === 'vf') {
    const vfs = action.vfs.flatMap((vf) => asBefore(vf, before.vfs[vf.index]));
    return vfs.length === 0 ? [] : [{ ...action, vfs }];
  }
  if (action.kind === 'eswitch' && before.kind === 'eswitch') {
    return eswitchAsBefore(action, before.settings);
  }
  if (action.kind !== 'file' && action.kind !== 'remove') return [];
  if (before.kind === 'file') {
    const { content, mode, owner } = before;
    return [{ kind: 'file', path: action.path, content, mode, owner }];
  }
  const missing = before.kind === 'absent' ? before.missing : [];
  return [action.path, ...missing.toReversed()].map((path) => ({ kind: 'remove', path }));
};

export const fingerprints = async (
  fs: HostFs,
  paths: readonly HostPath[],
): Promise<Fingerprints> => {
  const files: Record<HostPath, string | null> = {};
  for (const path of paths) {
    const text = await fs.readText(path);
    files[path] = text === undefined ? null : createHash('sha256').update(text).digest('hex');
  }
  return files;
};

/** A folder is only ever removed empty, and comes back with the files in it. */
const captureFile = async (fs: HostFs, path: HostPath): Promise<Before> => {
  if ((await fs.stat(path))?.kind === 'directory') return { kind: 'nothing' };
  const content = await fs.readText(path);
  const stat = content === undefined ? undefined : await statOfTarget(fs, path);
  if (content === undefined || stat === undefined) {
    return { kind: 'absent', missing: await missingParents(fs, path) };
  }
  const { mode, uid, gid } = stat;
  return { kind: 'file', content, mode, owner: { uid, gid } };
};

const missingParents = async (fs: HostFs, path: HostPath): Promise<readonly HostPath[]> => {
  const parent = posix.dirname(path) as HostPath;
  if (parent === '/' || (await fs.stat(parent)) !== undefined) return [];
  return [...(await missingParents(fs, parent)), parent];
};

/** Without a look at the state before there would be no way back, so the change is not made. */
const captureVfs = async (
  host: HostView,
  { netdev, vfs }: Extract<Action, { kind: 'vf' }>,
): Promise<Before> => {
  const known = await readVfLinks(host, netdev);
  if (known === undefined) throw new HostError('ENODATA', netdev, 'ip does not show its VFs');
  const before: Record<number, VfAttributes> = {};
  for (const { index } of vfs) before[index] = known.get(index) ?? {};
  return { kind: 'vf', vfs: before };
};
