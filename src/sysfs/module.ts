import type { HostFs, HostPath } from '../host.ts';
import { modulesForModalias } from './module-alias.ts';
import { kernelRelease, moduleFolder, pciAttribute, pciDriver } from './paths.ts';
import type { PhysicalFunction } from './pci-device.ts';
import { readAttribute } from './read.ts';

/** Whether a driver can take devices now: loaded as a module or built into the kernel. */
export const isDriverPresent = async (fs: HostFs, module: string): Promise<boolean> =>
  (await fs.stat(pciDriver(module))) !== undefined ||
  (await fs.stat(moduleFolder(module))) !== undefined;

/** The folder with the modules of the running kernel. */
export const modulesFolder = async (fs: HostFs): Promise<HostPath> =>
  `/lib/modules/${(await readAttribute(fs, kernelRelease)) ?? 'unknown'}`;

/** The module that says it drives a PCI function, as udev would find it by the modalias. */
export const moduleForFunction = async (
  fs: HostFs,
  address: string,
): Promise<string | undefined> => {
  const modalias = await readAttribute(fs, pciAttribute(address, 'modalias'));
  return modalias === undefined ? undefined : moduleForModalias(fs, modalias);
};

/** The module for the VFs of a PF, which need not exist for this. */
export const moduleForVfs = async (
  fs: HostFs,
  { vendor, sriov }: Pick<PhysicalFunction, 'vendor' | 'sriov'>,
): Promise<string | undefined> => {
  if (sriov.vfDevice === undefined) return undefined;
  const ids = `v${wide(vendor)}d${wide(sriov.vfDevice)}`;
  // Subsystem ids of VFs are not known before; aliases of VF drivers leave them open.
  return moduleForModalias(fs, `pci:${ids}sv00000000sd00000000bc02sc00i00`);
};

const wide = (id: string): string => id.toUpperCase().padStart(8, '0');

const moduleForModalias = async (fs: HostFs, modalias: string): Promise<string | undefined> => {
  const aliases = await fs.readText(`${await modulesFolder(fs)}/modules.alias`);
  return aliases === undefined ? undefined : modulesForModalias(aliases, modalias)[0];
};
