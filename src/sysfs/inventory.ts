import type { HostFs } from '../host.ts';
import { listPfs, type PhysicalFunction } from './pci-device.ts';
import { type PciDatabase, readPciIds } from './pci-ids.ts';
import { representorsOn } from './representors.ts';

/** The names of a function's ids, as far as the host knows them. */
interface PciNames {
  readonly vendor?: string;
  readonly device?: string;
}

/** A PF with the names of its ids, and with the netdevs that stand for its VFs in its switch. */
export type NamedPf = PhysicalFunction & {
  readonly names: PciNames;
  readonly vfNames: PciNames;
  /** By VF index; left out where the card does not switch. */
  readonly representors?: Readonly<Record<number, string>>;
};

/** All PFs of a host with their VFs, by address. */
export const readInventory = async (fs: HostFs): Promise<readonly NamedPf[]> => {
  const database = await readPciIds(fs);
  const representorsOf = representorsOn(fs);
  const found: NamedPf[] = [];
  for (const pf of await listPfs(fs)) {
    const representors = await representorsOf(pf);
    found.push({
      ...pf,
      names: namesOf(database, pf.vendor, pf.device),
      vfNames: namesOf(database, pf.vendor, pf.sriov.vfDevice ?? ''),
      ...(representors.size > 0 && { representors: Object.fromEntries(representors) }),
    });
  }
  return found;
};

const namesOf = (database: PciDatabase, vendorId: string, deviceId: string): PciNames => {
  const vendor = database.vendor(vendorId);
  const device = database.device(vendorId, deviceId);
  return { ...(vendor !== undefined && { vendor }), ...(device !== undefined && { device }) };
};
