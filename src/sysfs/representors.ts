import type { HostFs } from '../host.ts';
import { listNetdevs } from './netdev.ts';
import { netAttribute } from './paths.ts';
import type { PhysicalFunction } from './pci-device.ts';
import { orUnknown, readAttribute } from './read.ts';

/**
 * The netdevs that stand for a PF's VFs in its switch, by VF index: they are on the switch of the PF
 * (phys_switch_id) and say in phys_port_name which VF they are for (`pf0vf3`, devlink_port.c).
 */
export const readRepresentors = async (
  fs: HostFs,
  { netdev, vfs }: Pick<PhysicalFunction, 'netdev' | 'vfs'>,
): Promise<ReadonlyMap<number, string>> => {
  const found = new Map<number, string>();
  const own = netdev === undefined ? undefined : await switchOf(fs, netdev);
  if (netdev === undefined || own === undefined || vfs.length === 0) return found;
  const uplink = /^p(\d+)$/.exec((await portOf(fs, netdev)) ?? '')?.[1];
  for (const name of await listNetdevs(fs)) {
    const [, pf, vf] = /^(?:c\d+)?pf(\d+)vf(\d+)$/.exec((await portOf(fs, name)) ?? '') ?? [];
    if (vf === undefined || (uplink !== undefined && pf !== uplink)) continue;
    if ((await switchOf(fs, name)) === own) found.set(Number(vf), name);
  }
  return found;
};

/** Cards that do not switch answer EOPNOTSUPP. */
const switchOf = (fs: HostFs, netdev: string): Promise<string | undefined> =>
  orUnknown(readAttribute(fs, netAttribute(netdev, 'phys_switch_id')));

const portOf = (fs: HostFs, netdev: string): Promise<string | undefined> =>
  orUnknown(readAttribute(fs, netAttribute(netdev, 'phys_port_name')));
