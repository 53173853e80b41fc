import { posix } from 'node:path';
import type { HostFs, HostPath } from '../host.ts';
import { type LoaderEntry, readLoaderEntries } from './formats/loader-entry.ts';
import { firstExisting } from './host-facts.ts';

/** Where entries are; $BOOT is one of these (kernel-install(8)). */
const loaderFolders: readonly HostPath[] = [
  '/efi/loader/entries',
  '/boot/efi/loader/entries',
  '/boot/loader/entries',
];

/** The entries of this system's kernels; those of another system on the same ESP are left out. */
export const installedEntries = async (fs: HostFs): Promise<readonly LoaderEntry[]> => {
  const folder = await firstExisting(fs, loaderFolders);
  if (folder === undefined) return [];
  const machine = (await fs.readText('/etc/machine-id'))?.trim();
  const releases = (await installedKernels(fs)).map(({ release }) => release);
  return (await readLoaderEntries(fs, folder)).filter(({ fields }) => {
    const owner = fields.get('machine-id') ?? machine;
    const version = fields.get('version');
    return owner === machine && (version === undefined || releases.includes(version));
  });
};

export interface InstalledKernel {
  readonly release: string;
  readonly image: HostPath;
}

/** Kernels with their modules: what kernel-install(8) makes entries for. */
export const installedKernels = async (fs: HostFs): Promise<readonly InstalledKernel[]> => {
  const modules = (await firstExisting(fs, ['/usr/lib/modules', '/lib/modules'])) ?? '/lib/modules';
  const kernels: InstalledKernel[] = [];
  for (const release of [...((await fs.list(modules)) ?? [])].sort()) {
    const image = await firstExisting(fs, [
      `${modules}/${release}/vmlinuz`,
      `/boot/vmlinuz-${release}`,
    ]);
    if (image !== undefined) kernels.push({ release, image });
  }
  return kernels;
};

/** libsystemd-shared carries the version in its name; asking a program would start one. */
export const systemdVersion = async (fs: HostFs): Promise<number | undefined> => {
  for (const folder of ['/usr/lib/systemd', '/usr/lib64/systemd', ...debianFolders] as const) {
    for (const name of (await fs.list(folder)) ?? []) {
      const version = /^libsystemd-shared-(\d+)/.exec(posix.basename(name))?.[1];
      if (version !== undefined) return Number(version);
    }
  }
  return undefined;
};

const debianFolders = [
  '/usr/lib/x86_64-linux-gnu/systemd',
  '/usr/lib/aarch64-linux-gnu/systemd',
] as const;
