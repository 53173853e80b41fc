import type { HostFs } from '../host.ts';
import { listPfs, type PhysicalFunction } from './pci-device.ts';
import { type PciNames, readPciIds } from './pci-ids.ts';
import { representorsOn } from './representors.ts';

/** A PF with the names of its ids, and with the netdevs that stand for its VFs in its switch. */
export type NamedPf = PhysicalFunction & {
  readonly names: PciNames;
  readonly vfNames: PciNames;
  /** By VF index; left out where the card does not switch. */
  readonly representors?: Readonly<Record<number, string>>;
};

/** All PFs of a host with their VFs, by address. */
export const readInventory = async (fs: HostFs): Promise<readonly NamedPf[]> => {
  const names = await readPciIds(fs);
  const representorsOf = representorsOn(fs);
  const found: NamedPf[] = [];
  for (const pf of await listPfs(fs)) {
    const representors = await representorsOf(pf);
    found.push({
      ...pf,
      names: names(pf.vendor, pf.device),
      vfNames: names(pf.vendor, pf.sriov.vfDevice ?? ''),
      ...(representors.size > 0 && { representors: Object.fromEntries(representors) }),
    });
  }
  return found;
};
