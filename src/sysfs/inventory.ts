import type { HostFs } from '../host.ts';
import { type PciNames, readPciIds } from './pci-ids.ts';
import { type PhysicalFunction, listPfs } from './pci-device.ts';

/** A PF with the names of its ids. */
export type NamedPf = PhysicalFunction & { readonly names: PciNames; readonly vfNames: PciNames };

/** All PFs of a host with their VFs, by address. */
export const readInventory = async (fs: HostFs): Promise<readonly NamedPf[]> => {
  const names = await readPciIds(fs);
  return (await listPfs(fs)).map((pf) => ({
    ...pf,
    names: names(pf.vendor, pf.device),
    vfNames: names(pf.vendor, pf.sriov.vfDevice ?? ''),
  }));
};
