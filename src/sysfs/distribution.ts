import type { HostFs, HostPath } from '../host.ts';
import { kernelRelease } from './paths.ts';
import { readAttribute } from './read.ts';

/** os-release(5): the first that exists counts. */
const releaseFiles: readonly HostPath[] = ['/etc/os-release', '/usr/lib/os-release'];

/**
 * What has a driver that the running kernel's package left out, as something to do. All drivers of the
 * kernel's source are meant; a vendor's own come from the vendor.
 */
export const packageWithModules = async (fs: HostFs): Promise<string> =>
  (await ofDistribution(fs, packages)) ??
  "Install the package of the running kernel that has its network drivers, or the vendor's driver.";

/** What has what a module is built against, as something to do. */
export const packageWithHeaders = async (fs: HostFs): Promise<string> =>
  (await ofDistribution(fs, headerPackages)) ?? 'Install the headers of the running kernel.';

/** What has the programs that build a module, as something to do. */
export const packageWithBuildTools = async (fs: HostFs): Promise<string> =>
  (await ofDistribution(fs, toolPackages)) ?? 'Install make and the compiler of the kernel.';

type Words = Readonly<Record<string, (release: string) => string>>;

/** Derived distributions name what they are like, so the nearer one comes first. */
const ofDistribution = async (fs: HostFs, words: Words): Promise<string | undefined> => {
  const release = (await readAttribute(fs, kernelRelease)) ?? '';
  const ids = await distributionIds(fs);
  for (const [id, sentence] of Object.entries(words)) {
    if (ids.includes(id)) return sentence(release);
  }
  return undefined;
};

const headerPackages: Words = {
  ubuntu: (release) => `Install linux-headers-${release}.`,
  debian: (release) =>
    `Install linux-headers-${release}; if there is none any more, upgrade the kernel and reboot.`,
  fedora: (release) => `Install kernel-devel-${release}.`,
  rhel: (release) => `Install kernel-devel-${release}.`,
  suse: () => 'Install kernel-default-devel in the version of the running kernel.',
  arch: () => 'Install linux-headers in the version of the running kernel.',
  alpine: () => 'Install linux-lts-dev in the version of the running kernel.',
};

const toolPackages: Words = {
  debian: () => 'Install build-essential.',
  fedora: () => 'Install make and gcc.',
  rhel: () => 'Install make and gcc.',
  suse: () => 'Install make and gcc.',
  arch: () => 'Install base-devel.',
  alpine: () => 'Install build-base.',
};

const packages: Words = {
  ubuntu: (release) => `Install linux-modules-extra-${release}.`,
  debian: (release) =>
    release.includes('cloud')
      ? 'Install linux-image-amd64 (or -arm64) instead of the cloud kernel, which leaves drivers out, and boot it.'
      : `Install linux-image-${release} again; it has all network drivers of Debian's kernel.`,
  fedora: (release) => `Install kernel-modules-${release} and kernel-modules-extra-${release}.`,
  rhel: (release) => `Install kernel-modules-${release} and kernel-modules-extra-${release}.`,
  suse: () => 'Install kernel-default in the place of kernel-default-base, and boot it.',
  arch: () =>
    'Install the package linux again; after its upgrade the old modules are gone: reboot.',
  alpine: () => 'Install linux-lts in the place of linux-virt, and boot it.',
};

const distributionIds = async (fs: HostFs): Promise<readonly string[]> => {
  for (const file of releaseFiles) {
    const text = await fs.readText(file);
    if (text === undefined) continue;
    const value = (key: string): string =>
      new RegExp(`^${key}=["']?([^"'\\n]*)`, 'm').exec(text)?.[1] ?? '';
    return [value('ID'), ...value('ID_LIKE').split(' ')].map((id) =>
      id.replace(/^opensuse.*|^sles$/, 'suse'),
    );
  }
  return [];
};
