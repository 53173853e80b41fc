import type { Change, Permission, Requirement } from '../change.ts';
import type { HostView } from '../host.ts';
import { unloadCommand } from '../sysfs/commands.ts';
import { carriedBy } from '../sysfs/owners/carried.ts';
import { takenByUnload } from '../sysfs/owners/taken-by-unload.ts';
import type { PhysicalFunction } from '../sysfs/pci-device.ts';
import { vfCount } from '../sysfs/vf-count.ts';
import { takingFromUsers } from './owners.ts';

/**
 * Unloads modules: every device of theirs loses its driver, on this PF and on any other. VFs go with
 * the driver of their PF; whoever uses one, and what goes over a port, is said before.
 */
export const unloading = async (
  host: HostView,
  modules: readonly string[],
  { reason, removal }: { readonly reason: string; readonly removal: Permission },
): Promise<Change> => {
  let change: Change = {
    action: { kind: 'command', command: unloadCommand(modules) },
    reason,
    undo: modules.map((module) => ({ kind: 'module', module })),
  };
  const { ports, vfs } = await takenByUnload(host.fs, modules);
  for (const pf of ports) change = await losingPort(host, pf, change, removal);
  for (const pf of vfs) {
    change = await takingFromUsers(host, pf, change);
    change = { ...change, disrupts: words(change, `VFs of ${nameOf(pf)} lose their driver`) };
  }
  return change;
};

const losingPort = async (
  host: HostView,
  pf: PhysicalFunction,
  change: Change,
  removal: Permission,
): Promise<Change> => {
  const name = nameOf(pf);
  const spared = await takingFromUsers(host, pf, change);
  const carried = pf.netdev === undefined ? [] : await carriedBy(host, pf.netdev);
  const requirements: readonly Requirement[] = [
    ...[spared.requires ?? []].flat(),
    ...(pf.vfs.length === 0 ? [] : [losingVfs(name, pf.vfs.length, removal)]),
    ...(carried.length === 0 ? [] : [cutting(name, carried)]),
  ];
  const what = carried.length === 0 ? 'its addresses and routes' : carried.join(', ');
  return {
    ...spared,
    disrupts: words(
      spared,
      `${name} goes away until its new driver is loaded, and with it ${what}`,
    ),
    ...(requirements.length > 0 && { requires: requirements }),
  };
};

const losingVfs = (name: string, count: number, permission: Permission): Requirement => ({
  permission,
  problem: `${name} has ${vfCount(count)}, lost when its driver is unloaded`,
  hint: `Let their users go first; --${permission} goes on, and those that are wanted are made again.`,
});

const cutting = (name: string, carried: readonly string[]): Requirement => ({
  permission: 'force',
  problem: `${name} carries ${carried.join(', ')}, which is cut when its driver is unloaded`,
  hint: 'Do it from the console, or through another port. --force goes on; whether the port comes back as it was is for the host’s network configuration to see to.',
});

const words = ({ disrupts }: Change, more: string): string =>
  [disrupts, more].filter(Boolean).join('; ');

const nameOf = ({ netdev, address }: PhysicalFunction): string => netdev ?? address;
