import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { HostPath } from '../../src/host.ts';
import type { Overlay } from '../../src/sysfs/overlay.ts';

/**
 * Brings a path on the disk below `root` to what the simulation shows. What is right already is left
 * alone, and files are written in place: a program that has one open goes on with the same one.
 */
export const copyToDisk = async (fs: Overlay, path: HostPath, root: string): Promise<void> => {
  const place = join(root, path);
  const stat = await fs.stat(path);
  const there = lstatSync(place, { throwIfNoEntry: false });
  if (stat === undefined) {
    rmSync(place, { recursive: true, force: true });
    return;
  }
  if (there === undefined) mkdirSync(dirname(place), { recursive: true });
  if (stat.kind === 'file') await copyFile(fs, path, place);
  else if (stat.kind === 'link') copyLink((await fs.readLink(path)) ?? '', place);
  else await copyFolder(fs, path, root, there?.isDirectory() === true);
};

const copyFile = async (fs: Overlay, path: HostPath, place: string): Promise<void> => {
  const content = (await contentOf(fs, path)) ?? '';
  const there = lstatSync(place, { throwIfNoEntry: false });
  if (there?.isFile() === true && readFileSync(place, 'latin1') === content) return;
  if (there?.isFile() === false) rmSync(place, { recursive: true });
  writeFileSync(place, content, 'latin1');
};

const copyLink = (target: string, place: string): void => {
  const there = lstatSync(place, { throwIfNoEntry: false });
  if (there?.isSymbolicLink() === true && readlinkSync(place) === target) return;
  rmSync(place, { recursive: true, force: true });
  symlinkSync(target, place);
};

const copyFolder = async (
  fs: Overlay,
  path: HostPath,
  root: string,
  there: boolean,
): Promise<void> => {
  const place = join(root, path);
  if (!there) {
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place);
  }
  const names = (await fs.list(path)) ?? [];
  for (const name of readdirSync(place)) {
    if (!names.includes(name)) rmSync(join(place, name), { recursive: true });
  }
  for (const name of names) await copyToDisk(fs, `${path}/${name}`, root);
};

/** Everything below a folder of the simulation: contents, link targets, empty folders. */
export const treeOf = async (
  fs: Overlay,
  path: HostPath,
  found: Record<string, string> = {},
): Promise<Record<string, string>> => {
  for (const name of (await fs.list(path)) ?? []) {
    const inner: HostPath = `${path}/${name}`;
    const stat = await fs.stat(inner);
    if (stat?.kind === 'link') found[inner] = `→ ${(await fs.readLink(inner)) ?? ''}`;
    else if (stat?.kind === 'file') found[inner] = (await contentOf(fs, inner)) ?? '';
    else if (((await fs.list(inner))?.length ?? 0) === 0) found[inner] = '(empty folder)';
    else await treeOf(fs, inner, found);
  }
  return found;
};

/** The same of the disk. */
export const diskTreeOf = (
  root: string,
  path: HostPath,
  found: Record<string, string> = {},
): Record<string, string> => {
  for (const name of readdirSync(join(root, path))) {
    const inner: HostPath = `${path}/${name}`;
    const place = join(root, inner);
    const stat = lstatSync(place);
    if (stat.isSymbolicLink()) found[inner] = `→ ${readlinkSync(place)}`;
    else if (stat.isFile()) found[inner] = readFileSync(place, 'latin1');
    else if (readdirSync(place).length === 0) found[inner] = '(empty folder)';
    else diskTreeOf(root, inner, found);
  }
  return found;
};

/** What cannot be read is an empty file on disk; bytes are kept one by one. */
const contentOf = async (fs: Overlay, path: HostPath): Promise<string | undefined> => {
  try {
    const bytes = await fs.readBytes(path);
    return bytes && Buffer.from(bytes).toString('latin1');
  } catch {
    return '';
  }
};
