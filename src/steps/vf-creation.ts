import type { Change } from '../change.ts';
import type { HostFs, HostView } from '../host.ts';
import type { ResolvedPf } from '../resolved-spec.ts';
import { unbinding } from '../sysfs/binding.ts';
import { knownPfDriver } from '../sysfs/known-drivers.ts';
import { readNetdev } from '../sysfs/netdev.ts';
import { pciAttribute, pciDriversProbe } from '../sysfs/paths.ts';
import { type PhysicalFunction, predictVfs } from '../sysfs/pci-device.ts';
import { readNumber } from '../sysfs/read.ts';
import { vfCount } from '../sysfs/vf-count.ts';
import { needsUnboundVfs } from '../sysfs/vf-settings.ts';
import { resettingPort, takingFromUsers } from './owners.ts';

/** The changes that give a PF its VFs; none where it has them. */
export const planPf = async (
  host: HostView,
  pf: PhysicalFunction,
  wanted: ResolvedPf,
): Promise<readonly Change[]> => {
  const { fs } = host;
  const current = await readNumber(fs, pciAttribute(pf.address, 'sriov_numvfs'));
  const later = bindsLater(wanted, pf);
  if (current === wanted.vfs) return planUnboundVfs(pf, later);
  const changes: Change[] = [];
  if (current !== undefined && current > 0) {
    const removal = { ...removeVfs(pf, current), requires: recreation(pf, current, wanted.vfs) };
    changes.push(await sparing(host, pf, removal));
  }
  if (wanted.vfs > 0) {
    const creation = await resettingPort(host, pf, createVfs(pf, wanted.vfs));
    changes.push(...(await planLinkUp(fs, pf)), ...probing(pf, creation, later));
  }
  return changes;
};

/** Whether VFs get their driver only after their settings, or after the switch has changed. */
export const bindsLater = (wanted: ResolvedPf, pf: PhysicalFunction): boolean =>
  needsUnboundVfs(wanted) ||
  (wanted.eswitch !== undefined && knownPfDriver(pf)?.eswitch !== 'without-vfs');

/** Takes all VFs of a PF away. */
export const planRemoval = (
  host: HostView,
  pf: PhysicalFunction,
  current: number,
): Promise<Change> => sparing(host, pf, removeVfs(pf, current));

/** A removal that waits for the users of the VFs, and for those of the PF's port. */
const sparing = async (host: HostView, pf: PhysicalFunction, removal: Change): Promise<Change> =>
  resettingPort(host, pf, await takingFromUsers(host, pf, removal));

/** igb VFs made while the PF is down never get a carrier; bnxt_en makes none at all. */
const planLinkUp = async (fs: HostFs, { netdev }: PhysicalFunction): Promise<readonly Change[]> => {
  if (netdev === undefined || (await readNetdev(fs, netdev)).up) return [];
  return [
    {
      action: { kind: 'link', netdev, up: true },
      reason: 'VFs made while their PF is down stay without carrier',
      undo: 'irreversible',
    },
  ];
};

/**
 * VFs that are bound later are made while nothing probes them: binding each to its usual driver first
 * would take most of the time. Probing is on again afterwards, as the kernel has it from the start.
 */
const probing = (pf: PhysicalFunction, creation: Change, later: boolean): readonly Change[] => {
  const { autoprobe } = pf.sriov;
  if (autoprobe === undefined || (autoprobe && !later)) return [creation];
  if (!later) return [setAutoprobe(pf, true), creation];
  return [...(autoprobe ? [setAutoprobe(pf, false)] : []), creation, setAutoprobe(pf, true)];
};

const setAutoprobe = ({ address }: PhysicalFunction, on: boolean): Change => ({
  action: {
    kind: 'attribute',
    path: pciAttribute(address, 'sriov_drivers_autoprobe'),
    value: on ? '1' : '0',
  },
  reason: on
    ? 'VFs are bound to a driver only while probing is on'
    : 'the VFs get their driver after their settings',
});

const createVfs = (pf: PhysicalFunction, wanted: number): Change => {
  const places = predictVfs(pf, wanted).map(({ address }) => address);
  const where = places.length === 0 ? '' : ` at ${places.join(', ')} (predicted)`;
  return {
    action: {
      kind: 'attribute',
      path: pciAttribute(pf.address, 'sriov_numvfs'),
      value: String(wanted),
    },
    reason: `${pf.netdev ?? pf.address} is to have ${vfCount(wanted)}${where}`,
  };
};

const removeVfs = (pf: PhysicalFunction, current: number): Change => ({
  action: { kind: 'attribute', path: pciAttribute(pf.address, 'sriov_numvfs'), value: '0' },
  reason: `${current === 1 ? 'the VF' : `all ${current} VFs`} of ${pf.netdev ?? pf.address} ${current === 1 ? 'is' : 'are'} removed`,
  disrupts: `every user of a VF of ${pf.netdev ?? pf.address} loses it`,
});

/** The kernel goes from one count to another only through 0, which takes the VFs from their users. */
const recreation = (pf: PhysicalFunction, current: number, wanted: number) =>
  ({
    permission: 'recreate',
    problem: `${pf.netdev ?? pf.address} has ${vfCount(current)} already, ${wanted} wanted`,
    hint: `To remove ${vfCount(current)} and make ${wanted} anew, add --recreate: whoever uses one of them loses it.`,
  }) as const;

/** VFs left without a driver (autoprobe was off) get it now; probing does nothing while it is off. */
const planUnboundVfs = (pf: PhysicalFunction, later: boolean): readonly Change[] => {
  const unbound = pf.vfs.filter(({ driver }) => driver === undefined);
  if (unbound.length === 0 || pf.sriov.autoprobe !== false) return [];
  if (later) return [setAutoprobe(pf, true)];
  return [
    setAutoprobe(pf, true),
    ...unbound.map(
      ({ address }): Change => ({
        action: { kind: 'trigger', path: pciDriversProbe, value: address },
        reason: `VF ${address} has no driver`,
        undo: [unbinding(address)],
      }),
    ),
  ];
};
