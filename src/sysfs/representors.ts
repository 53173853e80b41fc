import type { HostFs } from '../host.ts';
import { listNetdevs } from './netdev.ts';
import { netAttribute } from './paths.ts';
import type { PhysicalFunction } from './pci-device.ts';
import { orUnknown, readAttribute } from './read.ts';

/** By VF index. */
export type Representors = ReadonlyMap<number, string>;

/** A netdev that stands for a VF. */
interface VfPort {
  readonly netdev: string;
  readonly switchId: string | undefined;
  readonly pf: string;
  readonly vf: number;
}

/**
 * The netdevs that stand for a PF's VFs in its switch: they are on the switch of the PF
 * (phys_switch_id) and say in phys_port_name which VF they are for (`pf0vf3`, devlink_port.c).
 */
export const readRepresentors = (
  fs: HostFs,
  pf: Pick<PhysicalFunction, 'netdev' | 'vfs'>,
): Promise<Representors> => representorsOn(fs)(pf);

/** The same for several PFs: the netdevs of the host are looked through once for all of them. */
export const representorsOn = (
  fs: HostFs,
): ((pf: Pick<PhysicalFunction, 'netdev' | 'vfs'>) => Promise<Representors>) => {
  let ports: Promise<readonly VfPort[]> | undefined;
  return async ({ netdev, vfs }) => {
    const own = netdev === undefined ? undefined : await switchOf(fs, netdev);
    if (netdev === undefined || own === undefined || vfs.length === 0) return new Map();
    const uplink = /^p(\d+)$/.exec((await portOf(fs, netdev)) ?? '')?.[1];
    ports ??= readVfPorts(fs);
    return new Map(
      (await ports)
        .filter(({ switchId, pf }) => switchId === own && (uplink === undefined || pf === uplink))
        .map((port) => [port.vf, port.netdev]),
    );
  };
};

const readVfPorts = async (fs: HostFs): Promise<readonly VfPort[]> => {
  const found: VfPort[] = [];
  for (const netdev of await listNetdevs(fs)) {
    const [, pf, vf] = /^(?:c\d+)?pf(\d+)vf(\d+)$/.exec((await portOf(fs, netdev)) ?? '') ?? [];
    if (pf === undefined || vf === undefined) continue;
    found.push({ netdev, switchId: await switchOf(fs, netdev), pf, vf: Number(vf) });
  }
  return found;
};

/** Cards that do not switch answer EOPNOTSUPP. */
const switchOf = async (fs: HostFs, netdev: string): Promise<string | undefined> =>
  (await orUnknown(readAttribute(fs, netAttribute(netdev, 'phys_switch_id')))) || undefined;

const portOf = (fs: HostFs, netdev: string): Promise<string | undefined> =>
  orUnknown(readAttribute(fs, netAttribute(netdev, 'phys_port_name')));
