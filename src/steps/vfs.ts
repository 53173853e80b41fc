import type { Change } from '../change.ts';
import type { CheckResult } from '../check.ts';
import type { HostFs, HostView } from '../host.ts';
import type { ResolvedPf, ResolvedSpec } from '../resolved-spec.ts';
import type { Step } from '../step.ts';
import { isTransientName, readNetdev } from '../sysfs/netdev.ts';
import { unbinding } from '../sysfs/binding.ts';
import { pciAttribute, pciDriversProbe, udevFolder } from '../sysfs/paths.ts';
import {
  type PhysicalFunction,
  type VirtualFunction,
  predictVfs,
  readPf,
} from '../sysfs/pci-device.ts';
import { readNumber } from '../sysfs/read.ts';
import { explainNumvfsError } from '../sysfs/sriov-errors.ts';
import { foretellFailure } from '../sysfs/sriov-limits.ts';
import { forEachPf } from './checks.ts';
import { ownerChecks, resettingPort, takingFromUsers } from './owners.ts';

/** Makes the Virtual Functions and waits until each has its driver, netdev and final name. */
export const vfs: Step = {
  id: 'vfs',
  title: 'Virtual Functions',
  scope: 'host',
  preflight: [
    {
      id: 'vfs-possible',
      title: 'nothing foretells that creating the VFs will fail',
      severity: 'error',
      run: (spec, { fs }) =>
        forEachPf(spec, async ({ address, vfs: wanted }) => {
          const pf = await readPf(fs, address);
          const problem =
            pf === undefined || pf.vfs.length === wanted
              ? undefined
              : await foretellFailure(fs, pf, wanted);
          return problem === undefined ? { status: 'pass' } : { status: 'fail', ...problem };
        }),
    },
    ...ownerChecks,
  ],
  plan: async (spec, host) => {
    const changes: Change[] = [];
    for (const wanted of spec.pfs) {
      const pf = await readPf(host.fs, wanted.address);
      if (pf !== undefined) changes.push(...(await planPf(host, pf, wanted.vfs)));
    }
    return changes;
  },
  teardown: async (spec, host) => {
    const { fs } = host;
    const changes: Change[] = [];
    for (const { address } of spec.pfs) {
      const pf = await readPf(fs, address);
      const current = await readNumber(fs, pciAttribute(address, 'sriov_numvfs'));
      if (pf !== undefined && current !== undefined && current > 0) {
        changes.push(await sparing(host, pf, removeVfs(pf, current)));
      }
    }
    return changes;
  },
  checks: [
    {
      id: 'vf-count',
      title: 'each PF has its VFs',
      severity: 'error',
      run: (spec, { fs }) => forEachPf(spec, (wanted) => checkCount(fs, wanted)),
    },
    {
      id: 'vf-drivers',
      title: 'each VF has a driver and its netdev',
      severity: 'error',
      run: (spec, { fs }) => forEachVf(spec, fs, checkDriver),
    },
    {
      id: 'vf-names',
      title: 'udev has named the netdevs',
      severity: 'warning',
      run: (spec, { fs }) => forEachVf(spec, fs, checkName),
    },
  ],
  explain: async (error, { action }, _spec, { fs }) => {
    if (action.kind !== 'attribute' || !action.path.endsWith('/sriov_numvfs')) return undefined;
    const address = action.path.split('/').at(-2) ?? '';
    const pf = await readPf(fs, address);
    const foretold = pf && (await foretellFailure(fs, pf, Number(action.value)));
    // The link virtfnN goes before its VF does (pci_iov_remove_virtfn), so the places are worked out.
    const places = pf === undefined ? [] : predictVfs(pf, pf.sriov.totalVfs);
    const vfAddresses = places.map((vf) => vf.address);
    const write = { address, pf: pf?.netdev ?? address, value: action.value, vfAddresses };
    return foretold ?? explainNumvfsError(error, write);
  },
  // VFs are made one after the other; 64 of an i40e were seen to take 22 s, 125 of a mlx5 65 s.
  settleMs: ({ pfs }) => 30_000 + pfs.reduce((sum, pf) => sum + pf.vfs, 0) * 1_500,
};

const planPf = async (
  host: HostView,
  pf: PhysicalFunction,
  wanted: number,
): Promise<readonly Change[]> => {
  const { fs } = host;
  const current = await readNumber(fs, pciAttribute(pf.address, 'sriov_numvfs'));
  if (current === wanted) return planUnboundVfs(pf);
  const changes: Change[] = [];
  if (current !== undefined && current > 0) {
    const removal = { ...removeVfs(pf, current), requires: recreation(pf, current, wanted) };
    changes.push(await sparing(host, pf, removal));
  }
  if (wanted > 0) {
    const creation = await resettingPort(host, pf, createVfs(pf, wanted));
    changes.push(...(await planLinkUp(fs, pf)), ...planAutoprobe(pf), creation);
  }
  return changes;
};

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

const planAutoprobe = (pf: PhysicalFunction): readonly Change[] =>
  pf.sriov.autoprobe === false ? [autoprobe(pf)] : [];

const autoprobe = ({ address }: PhysicalFunction): Change => ({
  action: { kind: 'attribute', path: pciAttribute(address, 'sriov_drivers_autoprobe'), value: '1' },
  reason: 'the VFs are to be bound to their driver',
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
    reason: `${pf.netdev ?? pf.address} is to have ${wanted} VFs${where}`,
  };
};

const removeVfs = (pf: PhysicalFunction, current: number): Change => ({
  action: { kind: 'attribute', path: pciAttribute(pf.address, 'sriov_numvfs'), value: '0' },
  reason: `all ${current} VFs of ${pf.netdev ?? pf.address} are removed`,
  disrupts: `every user of a VF of ${pf.netdev ?? pf.address} loses it`,
});

/** The kernel goes from one count to another only through 0, which takes the VFs from their users. */
const recreation = (pf: PhysicalFunction, current: number, wanted: number) =>
  ({
    permission: 'recreate',
    problem: `${pf.netdev ?? pf.address} has ${current} VFs already, ${wanted} are wanted`,
    hint: `To remove the ${current} VFs and make ${wanted} new ones, add --recreate: whoever uses one of them loses it.`,
  }) as const;

/** VFs left without a driver (autoprobe was off) get it now; probing does nothing while it is off. */
const planUnboundVfs = (pf: PhysicalFunction): readonly Change[] => {
  const unbound = pf.vfs.filter(({ driver }) => driver === undefined);
  if (unbound.length === 0 || pf.sriov.autoprobe !== false) return [];
  return [
    autoprobe(pf),
    ...unbound.map(
      ({ address }): Change => ({
        action: { kind: 'trigger', path: pciDriversProbe, value: address },
        reason: `VF ${address} has no driver`,
        undo: [unbinding(address)],
      }),
    ),
  ];
};

/** A write that succeeded says little: the count is read again and the links are counted. */
const checkCount = async (
  fs: HostFs,
  { address, vfs: wanted }: ResolvedPf,
): Promise<CheckResult> => {
  const pf = await readPf(fs, address);
  const count = await readNumber(fs, pciAttribute(address, 'sriov_numvfs'));
  const name = pf?.netdev ?? address;
  if (pf === undefined || count === undefined) {
    return {
      status: 'fail',
      problem: `${name} is gone or has no SR-IOV`,
      hint: 'See `sriovctl list`.',
    };
  }
  if (pf.vfs.length === wanted && count === wanted) {
    return { status: 'pass', detail: `${name} has ${count} VFs` };
  }
  if (pf.vfs.length < wanted && count === wanted) {
    return { status: 'pending', awaited: `${wanted} VFs of ${name}, ${pf.vfs.length} are there` };
  }
  return {
    status: 'fail',
    problem: `${name} has ${count} VFs (${pf.vfs.length} virtfn links), ${wanted} are wanted`,
    hint: 'The end of `dmesg` tells what the driver did; `sriovctl setup` makes them.',
  };
};

const forEachVf = (
  spec: ResolvedSpec,
  fs: HostFs,
  look: (fs: HostFs, vf: VirtualFunction, pf: PhysicalFunction) => Promise<string | undefined>,
): Promise<CheckResult> =>
  forEachPf(spec, async ({ address }) => {
    const pf = await readPf(fs, address);
    for (const vf of pf?.vfs ?? []) {
      const awaited = pf && (await look(fs, vf, pf));
      if (awaited !== undefined) return { status: 'pending', awaited };
    }
    return { status: 'pass' };
  });

/** A netdev that was moved to another network namespace leaves an empty `net` folder behind. */
const checkDriver = async (fs: HostFs, vf: VirtualFunction): Promise<string | undefined> => {
  if (vf.driver === undefined) return `a driver for VF ${vf.index} (${vf.address})`;
  if (vf.driver === 'vfio-pci' || vf.netdev !== undefined) return undefined;
  return (await fs.stat(pciAttribute(vf.address, 'net'))) === undefined
    ? `the netdev of VF ${vf.index} (${vf.address}, ${vf.driver})`
    : undefined;
};

/** A host that names its netdevs eth0, eth1 … (net.ifnames=0) does so for the PF as well. */
const checkName = async (
  fs: HostFs,
  vf: VirtualFunction,
  pf: PhysicalFunction,
): Promise<string | undefined> => {
  if (vf.netdev === undefined || !isTransientName(vf.netdev)) return undefined;
  if (pf.netdev === undefined || isTransientName(pf.netdev)) return undefined;
  if ((await fs.stat(udevFolder)) === undefined) return undefined;
  return `udev to rename ${vf.netdev} (VF ${vf.index}, ${vf.address})`;
};
