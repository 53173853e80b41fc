import { posix } from 'node:path';
import type { HostFs, HostPath } from '../../host.ts';
import { orUnknown } from '../read.ts';

/** A file by its lines; the first one has number 1. */
export interface TextFile {
  readonly path: HostPath;
  readonly text: string;
  readonly lines: readonly string[];
}

/** Where the administrator, the running system and packages have files of a kind, in this order. */
export const systemFolders = (name: string): readonly HostPath[] => [
  `/etc/${name}`,
  `/run/${name}`,
  `/usr/lib/${name}`,
];

/**
 * The files of folders of which the first that has a name counts, as /etc comes before /run and /usr/lib
 * (systemd.unit(5), udev(7), netplan(5)). What this program installed itself is not among them.
 */
export const readFolders = async (
  fs: HostFs,
  folders: readonly HostPath[],
  ...suffixes: readonly string[]
): Promise<readonly TextFile[]> => {
  const paths = new Map<string, HostPath>();
  for (const folder of folders) {
    for (const name of (await orUnknown(fs.list(folder))) ?? []) {
      const wanted = suffixes.length === 0 || suffixes.some((suffix) => name.endsWith(suffix));
      if (wanted && !paths.has(name)) paths.set(name, `${folder}/${name}`);
    }
  }
  const files: TextFile[] = [];
  for (const path of [...paths.values()].sort()) {
    if (posix.basename(path).includes('sriovctl')) continue;
    const file = await readTextFile(fs, path);
    if (file !== undefined) files.push(file);
  }
  return files;
};

/** A file that can be read as text; others (folders, binaries) say nothing. */
export const readTextFile = async (fs: HostFs, path: HostPath): Promise<TextFile | undefined> => {
  const text = await orUnknown(fs.readText(path));
  return text === undefined ? undefined : { path, text, lines: text.split('\n') };
};
