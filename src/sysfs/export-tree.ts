import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { posix } from 'node:path';
import { HostError, SriovctlError } from '../errors.ts';
import type { FileStat, HostFs, HostPath } from '../host.ts';
import { child } from './path-walk.ts';
import type { TreeFs } from './tree-fs.ts';
import { formatManifest, manifestName } from './tree-manifest.ts';

/** What goes into the MANIFEST of an exported tree, collected on the way. */
interface Export {
  readonly fs: HostFs;
  readonly dir: string;
  readonly directories: Set<HostPath>;
  readonly modes: Map<HostPath, number>;
  readonly readErrnos: Map<HostPath, string>;
  readonly writeErrnos: Map<HostPath, string>;
}

/**
 * Writes a whole tree as a folder with a MANIFEST, which can be given to --simulate in turn. Modes
 * are kept in the MANIFEST alone, so that the folder can be read and copied by everyone.
 *
 * @throws SriovctlError if the folder exists and is not empty.
 */
export const exportTree = async (fs: HostFs, dir: string): Promise<void> => {
  if (existsSync(dir) && readdirSync(dir).length > 0) {
    throw new SriovctlError('EXPORT_NOT_EMPTY', `${dir} is not empty`, {
      exit: 'usage',
      hint: 'Give a folder that does not exist yet.',
    });
  }
  mkdirSync(dir, { recursive: true });
  const to: Export = {
    fs,
    dir,
    directories: new Set(),
    modes: new Map(),
    readErrnos: new Map(),
    writeErrnos: new Map(),
  };
  await exportFolder(to, '/');
  writeFileSync(posix.join(dir, manifestName), formatManifest(to));
};

const exportFolder = async (to: Export, path: HostPath): Promise<void> => {
  const names = [...((await to.fs.list(path)) ?? [])].sort();
  if (names.length === 0) to.directories.add(path);
  for (const name of names) {
    const inner = child(path, name);
    const stat = await to.fs.stat(inner);
    if (stat !== undefined) await exportEntry(to, inner, stat);
  }
};

const exportEntry = async (to: Export, path: HostPath, stat: FileStat): Promise<void> => {
  const place = posix.join(to.dir, path);
  if (stat.kind === 'link') {
    symlinkSync((await to.fs.readLink(path)) ?? '', place);
    return;
  }
  if (stat.mode !== (stat.kind === 'directory' ? 0o755 : 0o644)) to.modes.set(path, stat.mode);
  if (stat.kind === 'directory') {
    mkdirSync(place);
    return exportFolder(to, path);
  }
  const { content, errno } = await contentOf(to.fs, path);
  writeFileSync(place, content);
  if (errno !== undefined) to.readErrnos.set(path, errno);
  const writeErrno = await (to.fs as Partial<TreeFs>).writeErrno?.(path);
  if (writeErrno !== undefined) to.writeErrnos.set(path, writeErrno);
};

const contentOf = async (
  fs: HostFs & Partial<TreeFs>,
  path: HostPath,
): Promise<{ readonly content: string | Uint8Array; readonly errno?: string }> => {
  try {
    const content = await (fs.readBytes?.(path) ?? fs.readText(path));
    return content === undefined ? { content: '', errno: 'ENOENT' } : { content };
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    // A write-only attribute says so by its mode.
    return error.errno === 'EACCES' ? { content: '' } : { content: '', errno: error.errno };
  }
};
