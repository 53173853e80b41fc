import type { Action, HostFs, HostView } from '../../host.ts';
import { unloadedBy } from '../commands.ts';
import { pfOfNumvfs } from '../paths.ts';
import { physfnOf, readPf, type VirtualFunction } from '../pci-device.ts';
import { deviceHolders } from './device-holders.ts';
import { interfaceUses } from './interface-uses.ts';
import { kubeletPods } from './kubelet.ts';
import { libvirtGuests } from './libvirt.ts';
import { otherNamespaces } from './network-namespaces.ts';
import { takenByUnload } from './taken-by-unload.ts';
import type { FindUses, VfUse } from './vf-use.ts';

const ways: readonly FindUses[] = [
  otherNamespaces,
  interfaceUses,
  deviceHolders,
  kubeletPods,
  libvirtGuests,
];

/**
 * Everybody who would lose something if the VFs went away: the kernel removes a VF without asking
 * (drivers/pci/iov.c), and waits only for whoever has its vfio device open.
 *
 * @throws HostError where something cannot be read: then nobody knows that the VFs are free.
 */
export const usesOf = async (
  host: HostView,
  vfs: readonly VirtualFunction[],
): Promise<readonly VfUse[]> => {
  const uses: VfUse[] = [];
  if (vfs.length === 0) return uses;
  for (const way of ways) uses.push(...(await way(host, vfs)));
  return uses.sort((a, b) => a.vf.index - b.vf.index);
};

/**
 * Who is in the way of an action that takes VFs away, whoever planned it: a rollback asks as well.
 * What this host does by itself with a new VF (an address by DHCP) does not count.
 */
export const usesTakenBy = async (host: HostView, action: Action): Promise<readonly VfUse[]> =>
  (await usesOf(host, await vfsTakenBy(host.fs, action))).filter(({ here }) => here !== true);

/** All VFs of a PF whose number changes or whose driver is unloaded, or the one that an unbind takes. */
const vfsTakenBy = async (fs: HostFs, action: Action): Promise<readonly VirtualFunction[]> => {
  if (action.kind === 'command') {
    const { ports, vfs } = await takenByUnload(fs, unloadedBy(action.command));
    return [...ports, ...vfs].flatMap((pf) => pf.vfs);
  }
  if (action.kind === 'attribute') {
    const pf = pfOfNumvfs(action.path);
    return pf === undefined ? [] : ((await readPf(fs, pf))?.vfs ?? []);
  }
  if (action.kind !== 'trigger' || !action.path.endsWith('/unbind')) return [];
  const address = action.value.trim();
  const pf = await physfnOf(fs, address);
  const vfs = pf === undefined ? [] : ((await readPf(fs, pf))?.vfs ?? []);
  return vfs.filter((vf) => vf.address === address);
};

/** The users with their VFs, one phrase each: `VF 0 and 1 by pod default/web`. */
export const describeUses = (uses: readonly VfUse[]): readonly string[] => {
  const byUser = new Map<string, Map<number, string>>();
  for (const { vf, by } of uses) {
    const vfs = byUser.get(by) ?? new Map<number, string>();
    byUser.set(by, vfs.set(vf.index, `${vf.index} (${vf.netdev ?? vf.address})`));
  }
  return [...byUser].map(([by, vfs]) => `VF ${[...vfs.values()].join(', ')} by ${by}`);
};
