import type { HostFs } from '../host.ts';
import { iommuGroups, moduleFolder, pciAttribute } from './paths.ts';
import { readAttribute, readLinkName } from './read.ts';

/** PCI-to-PCI bridges may be in any group (vfio_dev_viable and pci_dma_configure leave them be). */
const bridgeClass = /^0x0604/;

/**
 * Functions in a VF's group that some driver of the kernel has, so that vfio would not give the group
 * to anybody. Bridges, functions without a driver and those that vfio has do no harm.
 */
export const sharersOf = async (
  fs: HostFs,
  address: string,
  group: string,
): Promise<readonly { readonly address: string; readonly driver: string }[]> => {
  const members = [...((await fs.list(`${iommuGroups}/${group}/devices`)) ?? [])].sort();
  const sharers: { readonly address: string; readonly driver: string }[] = [];
  for (const member of members) {
    if (member === address) continue;
    const driver = await readLinkName(fs, pciAttribute(member, 'driver'));
    if (driver === undefined || driver.includes('vfio') || driver === 'pci-stub') continue;
    if (bridgeClass.test((await readAttribute(fs, pciAttribute(member, 'class'))) ?? '')) continue;
    sharers.push({ address: member, driver });
  }
  return sharers;
};

/** Kernels built with CONFIG_VFIO_NOIOMMU have the parameter; it lets a VF reach all memory. */
export const vfioWithoutIommu = async (fs: HostFs): Promise<boolean> =>
  (await readAttribute(fs, `${moduleFolder('vfio')}/parameters/enable_unsafe_noiommu_mode`)) ===
  'Y';
