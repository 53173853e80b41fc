import type { Change, Requirement } from '../change.ts';
import type { HostView } from '../host.ts';
import { carriedBy } from '../sysfs/owners/carried.ts';
import { describeUses, usesOf } from '../sysfs/owners/uses.ts';
import type { PhysicalFunction } from '../sysfs/pci-device.ts';

/**
 * A change that takes VFs of a PF from whoever uses them (their removal, another driver): the users
 * are named, and the change waits for --force.
 */
export const takingFromUsers = async (
  host: HostView,
  { address, netdev, vfs }: Pick<PhysicalFunction, 'address' | 'netdev' | 'vfs'>,
  change: Change,
): Promise<Change> => {
  const uses = await usesOf(host, vfs);
  if (uses.length === 0) return change;
  const users = describeUses(uses);
  const blocks = uses.some((use) => use.blocks === true);
  const taken: Requirement = {
    permission: 'force',
    problem: `VFs of ${netdev ?? address} are in use: ${users.join('; ')}`,
    hint: blocks ? waits : 'Let them go first; or add --force, and their users lose them.',
  };
  return {
    ...change,
    disrupts: [change.disrupts, users.join('; ')].filter(Boolean).join(': '),
    requires: [change.requires ?? [], taken].flat(),
  };
};

const waits =
  'End those users first. With --force the kernel waits until the last vfio device is let go, however long that takes; until then reading sriov_numvfs of this PF and writing that of any PF hangs.';

/** A change that resets the PF's port: what goes over it is said before anything is done. */
export const resettingPort = async (
  host: HostView,
  { netdev }: PhysicalFunction,
  change: Change,
): Promise<Change> => {
  const carried = netdev === undefined ? [] : await carriedBy(host, netdev);
  if (carried.length === 0) return change;
  // igb, ixgbe and i40e set their port up anew for another number of VFs; others do not say.
  const port = `${netdev ?? ''} (${carried.join(', ')}) may lose its link for some seconds`;
  return { ...change, disrupts: [change.disrupts, port].filter(Boolean).join('; ') };
};
