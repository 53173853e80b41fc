import type { Change } from '../../change.ts';
import type { Problem } from '../../events.ts';
import type { Command, HostFs, HostPath, HostView } from '../../host.ts';
import { parseCmdline } from '../../sysfs/cmdline.ts';
import { readFreeSpace } from '../../sysfs/free-space.ts';
import { grubMenuEntries } from '../formats/grub-menu.ts';
import { parseShellFile, type ShellFile } from '../formats/shell-file.ts';
import { evaluateShellFiles, type ShellValue } from '../formats/shell-value.ts';
import { exists, findProgram, firstExisting, readOsRelease } from '../host-facts.ts';
import type { BootEntry, BootLayers, PlacedWord } from '../layers.ts';

export const grubDefaults: HostPath = '/etc/default/grub';
const dropInFolder: HostPath = '/etc/default/grub.d';

/** Where grub-mkconfig(8) writes. On an EL9 host the file on the ESP is only a stub that leads to it. */
export const grubMenuPath = (fs: HostFs): Promise<HostPath | undefined> =>
  firstExisting(fs, ['/boot/grub/grub.cfg', '/boot/grub2/grub.cfg']);

/** /etc/default/grub and, where grub-mkconfig reads them, the drop-ins in the order of the shell's glob. */
export const readGrubDefaults = async (
  fs: HostFs,
  withDropIns: boolean,
): Promise<readonly ShellFile[]> => {
  const names = withDropIns ? ((await fs.list(dropInFolder)) ?? []) : [];
  const dropIns = names
    .filter((name) => name.endsWith('.cfg') && !name.startsWith('.'))
    .sort(byBytes)
    .map((name): HostPath => `${dropInFolder}/${name}`);
  const files: ShellFile[] = [];
  for (const path of [grubDefaults, ...dropIns]) {
    const text = await fs.readText(path);
    if (text !== undefined) files.push(parseShellFile(path, text));
  }
  return files;
};

/** The command line of a normal entry: GRUB_CMDLINE_LINUX and behind it GRUB_CMDLINE_LINUX_DEFAULT. */
export const grubSource = (files: readonly ShellFile[]): Omit<BootLayers, 'entries'> => {
  const valueOf = evaluateShellFiles(files);
  const values = [valueOf('GRUB_CMDLINE_LINUX'), valueOf('GRUB_CMDLINE_LINUX_DEFAULT')];
  const unknown = values.find((value) => !value.known);
  if (unknown?.known === false) return { sources: undefined, opaque: unknown.opaque };
  return { sources: [{ path: grubDefaults, words: values.flatMap(placedWords) }] };
};

export const readGrubMenu = async (fs: HostFs): Promise<readonly BootEntry[] | undefined> => {
  const path = await grubMenuPath(fs);
  const text = path === undefined ? undefined : await fs.readText(path);
  return path === undefined || text === undefined ? undefined : grubMenuEntries(path, text);
};

/** Whether the menu has entries of its own: with BLS it only leads to those of /boot/loader/entries. */
export const hasGrubMenu = async (fs: HostFs): Promise<boolean> =>
  ((await readGrubMenu(fs)) ?? []).length > 0;

/** Debian's package has read drop-ins since jessie; others are known by the folder. */
export const readsDropIns = async (fs: HostFs): Promise<boolean> =>
  (await readOsRelease(fs)).family.includes('debian') || exists(fs, dropInFolder);

/** grub-mkconfig(8) writes the new menu beside the old one; on a full disk that fails for certain. */
export const noRoomForMenu = async (host: HostView): Promise<Problem | undefined> => {
  const menu = await grubMenuPath(host.fs);
  const size = menu === undefined ? 0 : Buffer.byteLength((await host.fs.readText(menu)) ?? '');
  const free = menu === undefined ? undefined : await readFreeSpace(host, menu);
  return free === undefined || free >= size
    ? undefined
    : {
        code: 'BOOT_NO_ROOM',
        problem: `there is no room for a new ${menu ?? ''}: it takes ${size} bytes, ${free} are free`,
        hint: 'Make room on that file system (old kernels?) and run the command again.',
      };
};

/** Makes the menu from the files again; grub-mkconfig(8) that fails leaves its `.new` behind. */
export const regenerateGrub = async (
  fs: HostFs,
  source: HostPath,
  which: readonly string[],
  how = 'not yet in',
): Promise<Change> => {
  const menu = (await grubMenuPath(fs)) ?? '/boot/grub/grub.cfg';
  const command: Command = { argv: await generator(fs, menu), timeoutMs: generatorMs };
  return {
    action: { kind: 'regenerate', command, after: [source], generates: [menu, `${menu}.new`] },
    reason: `${which.join(' ')} ${which.length > 1 ? 'are' : 'is'} ${how} ${menu}`,
    effective: 'after-reboot',
  };
};

/** os-prober looks at every disk. */
const generatorMs = 300_000;

const generator = async (fs: HostFs, menu: HostPath): Promise<Command['argv']> => {
  const debian = await findProgram(fs, 'update-grub');
  if (debian !== undefined) return [debian];
  const upstream =
    (await findProgram(fs, 'grub2-mkconfig')) ?? (await findProgram(fs, 'grub-mkconfig'));
  if (upstream !== undefined) return [upstream, '-o', menu];
  const family = (await readOsRelease(fs)).family;
  return family.includes('debian') ? ['/usr/sbin/update-grub'] : ['grub2-mkconfig', '-o', menu];
};

const placedWords = (value: ShellValue): readonly PlacedWord[] =>
  value.known
    ? parseCmdline(value.text).map((word) => ({
        ...word,
        ...(value.places[word.start] ?? { path: grubDefaults, line: 1 }),
      }))
    : [];

/** dash, which is /bin/sh on Debian, orders names by their bytes. */
const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
