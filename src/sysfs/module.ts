import type { HostFs, HostPath } from '../host.ts';
import { knownPfDriver, knownVfDriver } from './known-drivers.ts';
import { kernelRelease, moduleFolder, pciAttribute, pciDriver } from './paths.ts';
import { parsePciAddress } from './pci-address.ts';
import type { PciFunction, PhysicalFunction } from './pci-device.ts';
import { readAttribute, readLinkName } from './read.ts';

/** Whether a driver can take devices now: loaded as a module or built into the kernel. */
export const isDriverPresent = async (fs: HostFs, module: string): Promise<boolean> =>
  (await fs.stat(pciDriver(module))) !== undefined ||
  (await fs.stat(moduleFolder(module))) !== undefined;

/** The folder with the modules of the running kernel. */
export const modulesFolder = async (fs: HostFs): Promise<HostPath> =>
  `/lib/modules/${(await readAttribute(fs, kernelRelease)) ?? 'unknown'}`;

/**
 * The module that says it drives a PCI function, as udev would find it by the modalias; else the one
 * that is known to drive it, which then is built in or not installed.
 */
export const moduleForFunction = async (
  fs: HostFs,
  { address, vendor, device }: Pick<PciFunction, 'address' | 'vendor' | 'device'>,
): Promise<string | undefined> => {
  const modalias = await readAttribute(fs, pciAttribute(address, 'modalias'));
  const named = modalias === undefined ? undefined : await moduleForModalias(fs, modalias);
  return named ?? knownPfDriver({ vendor, device })?.driver;
};

/** The module for the VFs of a PF, which need not exist for this. */
export const moduleForVfs = async (
  fs: HostFs,
  pf: Pick<PhysicalFunction, 'vendor' | 'device' | 'sriov'> & { readonly driver?: string },
): Promise<string | undefined> => {
  const { vendor, sriov } = pf;
  if (sriov.vfDevice === undefined) return knownPfDriver(pf)?.vfDriver;
  const ids = `v${wide(vendor)}d${wide(sriov.vfDevice)}`;
  // Subsystem ids of VFs are not known before; aliases of VF drivers leave them open.
  const named = await moduleForModalias(fs, `pci:${ids}sv00000000sd00000000bc02sc00i00`);
  return named ?? knownVfDriver(vendor, sriov.vfDevice)?.vfDriver;
};

/** The module that has registered a driver; `undefined` for one that is built in. */
export const moduleOfDriver = (fs: HostFs, driver: string): Promise<string | undefined> =>
  readLinkName(fs, `${pciDriver(driver)}/module`);

/** Loaded modules that need this one. */
export const moduleHolders = async (fs: HostFs, module: string): Promise<readonly string[]> =>
  (await fs.list(`${moduleFolder(module)}/holders`)) ?? [];

/** The functions that the drivers of a module have taken. */
export const functionsOfModule = async (fs: HostFs, module: string): Promise<readonly string[]> => {
  const drivers = (await fs.list(`${moduleFolder(module)}/drivers`)) ?? [];
  const names = drivers.flatMap((name) => (name.startsWith('pci:') ? [name.slice(4)] : []));
  const addresses: string[] = [];
  for (const name of names) addresses.push(...((await fs.list(pciDriver(name))) ?? []));
  return addresses.filter((name) => parsePciAddress(name) !== undefined).sort();
};

const wide = (id: string): string => id.toUpperCase().padStart(8, '0');

/** Looks a modalias up in modules.alias (depmod(8)), whose patterns are globs. */
const moduleForModalias = async (fs: HostFs, modalias: string): Promise<string | undefined> => {
  const text = await fs.readText(`${await modulesFolder(fs)}/modules.alias`);
  const ids = /^pci:v[0-9A-F]{8}d[0-9A-F]{8}/.exec(modalias)?.[0];
  if (text === undefined || ids === undefined) return undefined;
  for (const line of linesWith(text, `alias ${ids}`)) {
    const [, pattern, module] = line.split(' ');
    if (pattern !== undefined && globMatches(pattern, modalias)) return module;
  }
  return undefined;
};

/** Lines that start so; the file has tens of thousands, so it is not split. */
const linesWith = (text: string, start: string): readonly string[] => {
  const found: string[] = [];
  const padded = `\n${text}`;
  for (
    let at = padded.indexOf(`\n${start}`);
    at !== -1;
    at = padded.indexOf(`\n${start}`, at + 1)
  ) {
    const end = padded.indexOf('\n', at + 1);
    found.push(padded.slice(at + 1, end === -1 ? padded.length : end));
  }
  return found;
};

const globMatches = (pattern: string, text: string): boolean =>
  new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(text);
