import type { Change } from '../../change.ts';
import type { Command, HostFs, HostPath, HostView } from '../../host.ts';
import { addArguments, parseCmdline, removeArguments } from '../../sysfs/cmdline.ts';
import type { BootSystem } from '../boot-system.ts';
import { loaderBootEntry } from '../formats/loader-entry.ts';
import { lineAt } from '../formats/shell-file.ts';
import { exists, findProgram, isSystemdBoot } from '../host-facts.ts';
import { installedEntries, installedKernels, systemdVersion } from '../installed-kernels.ts';
import { type BootEntry, type BootSource, missingFrom, staleIn } from '../layers.ts';
import { forgetRecord, readRecord, recordChange } from '../record.ts';
import { sideEffectsOf, wantedReason } from '../remedies.ts';

export const kernelCmdline: HostPath = '/etc/kernel/cmdline';

interface Variant {
  readonly id: string;
  readonly title: string;
  detect(fs: HostFs): Promise<boolean>;
  entries(fs: HostFs): Promise<readonly BootEntry[] | undefined>;
  /** What makes the entries from the file. */
  readonly generators: (fs: HostFs) => Promise<readonly Command[]>;
  /** Where the entries cannot be read: a copy of the file they were last made from by us. */
  readonly madeFrom?: HostPath;
}

/** /etc/kernel/cmdline holds one command line for all kernels, and a program makes entries with it. */
const kernelCmdlineSystem = (variant: Variant): BootSystem => ({
  id: variant.id,
  title: variant.title,
  detect: ({ fs }) => variant.detect(fs),
  read: async ({ fs }) => {
    const source = await readCmdlineSource(fs, kernelCmdline);
    return {
      sources: source === undefined ? undefined : [source],
      entries: await variant.entries(fs),
    };
  },
  obstacle: () => Promise.resolve(undefined),
  add: (host, wanted) => add(host, variant, wanted),
  remove: ({ fs }) => remove(fs, variant),
});

/** The words of a file that holds nothing but a command line. */
export const readCmdlineSource = async (
  fs: HostFs,
  path: HostPath,
): Promise<BootSource | undefined> => {
  const text = await fs.readText(path);
  if (text === undefined) return undefined;
  const words = parseCmdline(text);
  return {
    path,
    words: words.map((word) => ({ ...word, path, line: lineAt(text, word.start) })),
  };
};

const add = async (
  host: HostView,
  variant: Variant,
  wanted: readonly string[],
): Promise<readonly Change[]> => {
  const { fs } = host;
  const layers = await kernelCmdlineSystem(variant).read(host);
  const missing = missingFrom(layers, wanted);
  const stale = staleIn(layers, wanted, missing);
  if (stale.length === 0) return [];
  const before = (await fs.readText(kernelCmdline)) ?? (await fallbackCmdline(fs));
  const after = addArguments(before, missing);
  const disrupts = sideEffectsOf(missing);
  const edit: readonly Change[] =
    missing.length === 0
      ? []
      : [
          await recordChange(fs, variant.id, missing),
          {
            ...write(after, wantedReason(missing, variant.title)),
            ...(disrupts !== undefined && { disrupts }),
          },
        ];
  return [...edit, ...(await generate(fs, variant, stale, 'not yet in')), ...note(variant, after)];
};

const remove = async (fs: HostFs, variant: Variant): Promise<readonly Change[]> => {
  const record = await readRecord(fs, variant.id);
  const before = await fs.readText(kernelCmdline);
  if (record === undefined || before === undefined) return [];
  const after = removeArguments(before, record.arguments);
  const stamp =
    variant.madeFrom !== undefined && (await exists(fs, variant.madeFrom))
      ? [{ action: { kind: 'remove', path: variant.madeFrom }, reason: 'it is ours' } as const]
      : [];
  const forget = [...stamp, forgetRecord(variant.id)];
  if (after === before) return forget;
  return [
    write(after, `${record.arguments.join(' ')} was put in by us`),
    ...(await generate(fs, variant, record.arguments, 'still in')),
    ...forget,
  ];
};

const readEntries = async (fs: HostFs): Promise<readonly BootEntry[]> =>
  (await installedEntries(fs)).map((entry) => loaderBootEntry(entry));

const write = (content: string, reason: string): Change => ({
  action: { kind: 'file', path: kernelCmdline, content },
  reason,
  effective: 'after-reboot',
});

const generate = async (
  fs: HostFs,
  { generators }: Variant,
  which: readonly string[],
  how: string,
): Promise<readonly Change[]> =>
  (await generators(fs)).map((command) => ({
    action: { kind: 'regenerate', command, after: [kernelCmdline] },
    reason: `${which.join(' ')} ${which.length > 1 ? 'are' : 'is'} ${how} the boot entries`,
    effective: 'after-reboot',
  }));

const note = ({ madeFrom }: Variant, cmdline: string): readonly Change[] =>
  madeFrom === undefined
    ? []
    : [
        {
          action: { kind: 'file', path: madeFrom, content: cmdline },
          reason: 'the boot entries cannot be read, so it is noted from what they were made',
        },
      ];

/** What kernel-install(8) takes where there is no /etc/kernel/cmdline, as its 90-loaderentry plugin has it. */
const fallbackCmdline = async (fs: HostFs): Promise<string> => {
  const vendor = await fs.readText('/usr/lib/kernel/cmdline');
  if (vendor !== undefined) return vendor;
  const running = parseCmdline((await fs.readText('/proc/cmdline')) ?? '');
  const kept = running.filter(({ key }) => key !== 'BOOT_IMAGE' && key !== 'initrd');
  return `${kept.map(({ text }) => text).join(' ')}\n`;
};

const generatorMs = 600_000;

export const kernelInstall = kernelCmdlineSystem({
  id: 'kernel-install',
  title: 'systemd-boot',
  detect: async (fs) =>
    (await findProgram(fs, 'kernel-install')) !== undefined &&
    ((await isSystemdBoot(fs)) || !(await exists(fs, '/boot/grub2'))) &&
    (await installedEntries(fs)).length > 0,
  entries: (fs) => readEntries(fs),
  generators: async (fs) => {
    const program = (await findProgram(fs, 'kernel-install')) ?? 'kernel-install';
    const version = await systemdVersion(fs);
    // add-all came with systemd 255.
    if (version !== undefined && version >= 255) {
      return [{ argv: [program, 'add-all'], timeoutMs: generatorMs }];
    }
    return (await installedKernels(fs)).map(({ release, image }) => ({
      argv: [program, 'add', release, image],
      timeoutMs: generatorMs,
    }));
  },
});

/** Proxmox VE copies kernels to ESPs that are not mounted, so its entries cannot be read. */
export const proxmoxBootTool = kernelCmdlineSystem({
  id: 'proxmox-boot-tool',
  title: 'systemd-boot on Proxmox VE',
  detect: async (fs) =>
    (await exists(fs, '/etc/kernel/proxmox-boot-uuids')) &&
    (await exists(fs, kernelCmdline)) &&
    (await isSystemdBoot(fs)),
  madeFrom: '/var/lib/sriovctl/boot/proxmox-cmdline',
  entries: async (fs) => {
    const made = await readCmdlineSource(fs, '/var/lib/sriovctl/boot/proxmox-cmdline');
    if (made !== undefined) return [{ name: 'Proxmox', words: made.words }];
    const running = await readCmdlineSource(fs, '/proc/cmdline');
    return running === undefined ? undefined : [{ name: 'Proxmox', words: running.words }];
  },
  generators: async (fs) => [
    {
      argv: [(await findProgram(fs, 'proxmox-boot-tool')) ?? 'proxmox-boot-tool', 'refresh'],
      timeoutMs: generatorMs,
    },
  ],
});

/** openSUSE with systemd-boot, or with a GRUB that reads the same entries. */
export const sdbootutil = kernelCmdlineSystem({
  id: 'sdbootutil',
  title: 'boot entries of openSUSE',
  detect: async (fs) =>
    (await findProgram(fs, 'sdbootutil')) !== undefined && (await exists(fs, kernelCmdline)),
  entries: (fs) => readEntries(fs),
  generators: async (fs) => [
    {
      argv: [(await findProgram(fs, 'sdbootutil')) ?? 'sdbootutil', 'update-all-entries'],
      timeoutMs: generatorMs,
    },
  ],
});
