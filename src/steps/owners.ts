import type { Change, Requirement } from '../change.ts';
import type { Check, CheckResult } from '../check.ts';
import { HostError } from '../errors.ts';
import type { HostFs, HostView } from '../host.ts';
import { operatorNamespace } from '../kube/existing.ts';
import { hostnameOf } from '../kube/hostname.ts';
import { quotedPolicies } from '../kube/manifests/node-policy.ts';
import type { ResolvedPf } from '../resolved-spec.ts';
import { describeManager, otherManagersOf } from '../sysfs/managers/managers.ts';
import { operatorRecord } from '../sysfs/managers/operator.ts';
import { carriedBy } from '../sysfs/owners/carried.ts';
import { describeUses, usesOf } from '../sysfs/owners/uses.ts';
import { pciAttribute } from '../sysfs/paths.ts';
import { type PhysicalFunction, readPf } from '../sysfs/pci-device.ts';
import { forEachPf } from './checks.ts';

/** Two that set the number of a PF's VFs take them from each other's users, at the latest after a boot. */
export const ownerChecks: readonly Check[] = [
  {
    id: 'pf-answers',
    title: 'the kernel is not at work on the VFs of a PF',
    severity: 'error',
    run: (spec, { fs }) => forEachPf(spec, (pf) => answers(fs, pf)),
  },
  {
    id: 'pf-not-the-operators',
    title: 'no PF belongs to the SR-IOV network operator',
    severity: 'error',
    run: (spec, { fs }) =>
      forEachPf(spec, async ({ address, selector }) => {
        const record = await operatorRecord(fs, address);
        if (record === undefined || record.externallyManaged) return { status: 'pass' };
        const node = spec.kube.node ?? (await hostnameOf(fs)) ?? 'NODE';
        const namespace = operatorNamespace;
        const policies = await quotedPolicies(spec, { node, namespace, fs });
        return {
          status: 'fail',
          problem: `${selector} (${address}) is set up by the SR-IOV network operator (${record.file}), which takes back what others change`,
          hint: `Change its SriovNetworkNodePolicy, or have it say externallyManaged: true. If the operator is gone, remove ${record.file}. A policy that leaves the VFs to sriovctl:\n${policies}`,
        };
      }),
  },
  {
    id: 'pf-managers',
    title: 'nobody else manages the PFs',
    severity: 'warning',
    run: async ({ pfs }, { fs }) => {
      const read = await Promise.all(pfs.map(({ address }) => readPf(fs, address)));
      const present = read.filter((pf) => pf !== undefined);
      const managers = [...(await otherManagersOf(fs, present))];
      if (managers.length === 0) return { status: 'pass' };
      return {
        status: 'fail',
        problem: managers
          .map(
            ([pf, found]) => `${pf.netdev ?? pf.address}: ${found.map(describeManager).join('; ')}`,
          )
          .join('; '),
        hint: 'Leave the number of VFs to one of the two: take it out there, or do not use sriovctl for this PF.',
      };
    },
  },
];

/** Reading the number takes the lock that a write holds as long as it runs (sriov_numvfs_show). */
const answers = async (fs: HostFs, { address, selector }: ResolvedPf): Promise<CheckResult> => {
  try {
    await fs.readText(pciAttribute(address, 'sriov_numvfs'));
    return { status: 'pass' };
  } catch (error) {
    if (!(error instanceof HostError) || error.errno !== 'ETIMEDOUT') throw error;
    return {
      status: 'fail',
      problem: `the kernel is still working on the VFs of ${selector} (${address}): reading sriov_numvfs does not end`,
      hint: 'An earlier write has not ended, most likely because somebody holds a VF through vfio: `dmesg` names it. End that user; the write ends by itself then.',
    };
  }
};

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
