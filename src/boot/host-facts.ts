import type { HostFs, HostPath } from '../host.ts';
import { orUnknown } from '../sysfs/read.ts';

/** Where programs of the system are, in the order they are looked for. */
const folders = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/sbin', '/usr/local/bin'];

/** The path of an installed program. */
export const findProgram = async (fs: HostFs, name: string): Promise<HostPath | undefined> => {
  for (const folder of folders) {
    const path = `${folder}/${name}` as HostPath;
    if (await exists(fs, path)) return path;
  }
  return undefined;
};

export const exists = async (fs: HostFs, path: HostPath): Promise<boolean> =>
  (await fs.stat(path)) !== undefined;

/** The first of some paths that exists. */
export const firstExisting = async (
  fs: HostFs,
  paths: readonly HostPath[],
): Promise<HostPath | undefined> => {
  for (const path of paths) if (await exists(fs, path)) return path;
  return undefined;
};

export interface OsRelease {
  readonly id: string;
  /** ID and ID_LIKE (os-release(5)). */
  readonly family: readonly string[];
}

export const readOsRelease = async (fs: HostFs): Promise<OsRelease> => {
  const text =
    (await fs.readText('/etc/os-release')) ?? (await fs.readText('/usr/lib/os-release')) ?? '';
  const field = (name: string): string =>
    new RegExp(`^${name}=["']?([^"'\n]*)`, 'm').exec(text)?.[1] ?? '';
  const id = field('ID');
  return { id, family: [id, ...field('ID_LIKE').split(' ')].filter((word) => word !== '') };
};

const efiVariables: HostPath = '/sys/firmware/efi/efivars';
/** Set by boot loaders that follow systemd's Boot Loader Interface. */
const loaderVendor = '4a67b082-0a4c-41cf-b6c7-440b29bb8c4f';
const globalVendor = '8be4df61-93ca-11d2-aa0d-00e098032b8c';

/** Whether systemd-boot started this system. */
export const isSystemdBoot = async (fs: HostFs): Promise<boolean> =>
  (await readEfiText(fs, `LoaderInfo-${loaderVendor}`))?.startsWith('systemd-boot') === true;

/** Whether the running kernel came out of a unified kernel image: only its stub leaves this variable. */
export const isUnifiedImage = (fs: HostFs): Promise<boolean> =>
  exists(fs, `${efiVariables}/StubInfo-${loaderVendor}`);

export const isSecureBoot = async (fs: HostFs): Promise<boolean> => {
  const path: HostPath = `${efiVariables}/SecureBoot-${globalVendor}`;
  return (await orUnknown(fs.readText(path)))?.endsWith('\u0001') === true;
};

/** The variable's UTF-16 text behind its four bytes of attributes, as far as it is ASCII. */
const readEfiText = async (fs: HostFs, name: string): Promise<string | undefined> =>
  (await orUnknown(fs.readText(`${efiVariables}/${name}`)))?.slice(4).replaceAll('\0', '');
