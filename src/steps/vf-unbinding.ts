import type { Change } from '../change.ts';
import type { HostView } from '../host.ts';
import { binding, unbinding } from '../sysfs/binding.ts';
import type { PhysicalFunction, VirtualFunction } from '../sysfs/pci-device.ts';
import { takingFromUsers } from './owners.ts';

/** Takes a VF from its driver; nothing for one that has none. */
export const unbindVf = (
  pf: PhysicalFunction,
  vf: VirtualFunction,
  why: string,
): readonly Change[] => {
  if (vf.driver === undefined) return [];
  const name = `VF ${vf.index} of ${pf.netdev ?? pf.address}`;
  return [
    {
      action: unbinding(vf.address),
      reason: `${name} is taken from ${vf.driver}: ${why}`,
      undo: [binding(vf.driver, vf.address)],
      disrupts: `whoever uses ${name} loses it`,
    },
  ];
};

/**
 * Changes that take VFs from their drivers wait for whoever uses the VFs. They are looked for once for
 * all of them: that means to look at every process of the host.
 */
export const sparingUsers = async (
  host: HostView,
  pf: PhysicalFunction,
  changes: readonly Change[],
): Promise<readonly Change[]> => {
  const taken = pf.vfs.filter(({ address }) =>
    changes.some(({ action }) => takes(action, address)),
  );
  const first = changes.findIndex(({ action }) =>
    taken.some(({ address }) => takes(action, address)),
  );
  const change = changes[first];
  if (change === undefined) return changes;
  const spared = await takingFromUsers(host, { ...pf, vfs: taken }, change);
  return changes.with(first, spared);
};

const takes = (action: Change['action'], address: string): boolean =>
  action.kind === 'trigger' && action.path === (unbinding(address) as { path: string }).path;
