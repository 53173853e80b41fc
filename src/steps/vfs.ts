import type { CheckResult } from '../check.ts';
import type { Action, HostFs, HostView } from '../host.ts';
import type { ResolvedPf, ResolvedSpec } from '../resolved-spec.ts';
import type { Step } from '../step.ts';
import { readKernelLog } from '../sysfs/kernel-log.ts';
import { netdevOf } from '../sysfs/netdev.ts';
import { pciAttribute } from '../sysfs/paths.ts';
import {
  listVfIndexes,
  type PhysicalFunction,
  predictVfs,
  readPf,
  type VirtualFunction,
} from '../sysfs/pci-device.ts';
import { readNumber } from '../sysfs/read.ts';
import { causeInLog, explainNumvfsError } from '../sysfs/sriov-errors.ts';
import { foretellFailure } from '../sysfs/sriov-limits.ts';
import { vfCount } from '../sysfs/vf-count.ts';
import { forEachPf, planEachPf } from './checks.ts';
import { ownerChecks } from './owners.ts';
import { bindsLater, planPf, planRemoval } from './vf-creation.ts';
import { driverAwaited, nameAwaited } from './vf-netdev.ts';

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
  plan: (spec, host) => planEachPf(spec, host, (pf, wanted) => planPf(host, pf, wanted)),
  teardown: (spec, host) =>
    planEachPf(spec, host, async (pf) => {
      const current = await readNumber(host.fs, pciAttribute(pf.address, 'sriov_numvfs'));
      return current === undefined || current === 0 ? [] : [await planRemoval(host, pf, current)];
    }),
  checks: [
    {
      id: 'vf-count',
      title: 'each PF has its VFs',
      severity: 'error',
      run: (spec, host) => forEachPf(spec, (wanted) => checkCount(host, wanted)),
    },
    {
      id: 'vf-drivers',
      title: 'each VF has a driver and its netdev',
      severity: 'error',
      run: (spec, { fs }) => forEachVf(spec, fs, driverAwaited),
    },
    {
      id: 'vf-names',
      title: 'udev has named the netdevs',
      severity: 'warning',
      run: (spec, { fs }) => forEachVf(spec, fs, nameAwaited),
    },
  ],
  awaited: async ({ action }, { fs }) => {
    const { address, value = '' } = numvfsWrite(action) ?? {};
    if (address === undefined) return undefined;
    const there = (await listVfIndexes(fs, address)).length;
    const name = (await netdevOf(fs, address)) ?? address;
    return value === '0'
      ? `the VFs of ${name} to go, ${there} are left`
      : `${vfCount(value)} of ${name}, ${there} are there`;
  },
  explain: async (error, { action }, _spec, { fs }) => {
    const { address, value } = numvfsWrite(action) ?? {};
    if (address === undefined || value === undefined) return undefined;
    const pf = await readPf(fs, address);
    const foretold = pf && (await foretellFailure(fs, pf, Number(value)));
    // The link virtfnN goes before its VF does (pci_iov_remove_virtfn), so the places are worked out.
    const places = pf === undefined ? [] : predictVfs(pf, pf.sriov.totalVfs);
    const vfAddresses = places.map((vf) => vf.address);
    const write = { address, pf: pf?.netdev ?? address, value, vfAddresses };
    return foretold ?? explainNumvfsError(error, write);
  },
  // VFs are made one after the other; 64 of an i40e were seen to take 22 s, 125 of a mlx5 65 s.
  settleMs: ({ pfs }) => 30_000 + pfs.reduce((sum, pf) => sum + pf.vfs, 0) * 1_500,
};

const numvfsWrite = (action: Action) =>
  action.kind === 'attribute' && action.path.endsWith('/sriov_numvfs')
    ? { address: action.path.split('/').at(-2) ?? '', value: action.value }
    : undefined;

/** A write that succeeded says little: the count is read again and the links are counted. */
const checkCount = async (
  host: HostView,
  { address, vfs: wanted }: ResolvedPf,
): Promise<CheckResult> => {
  const { fs } = host;
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
    return { status: 'pass', detail: `${name} has ${vfCount(count)}` };
  }
  if (pf.vfs.length < wanted && count === wanted) {
    return {
      status: 'pending',
      awaited: `${vfCount(wanted)} of ${name}, ${pf.vfs.length} are there`,
    };
  }
  const problem = `${name} has ${vfCount(count)} (${pf.vfs.length} virtfn links), ${wanted} wanted`;
  const said = (await readKernelLog((command) => host.query(command)))
    .filter((line) => line.includes(address))
    .slice(-lastSaid);
  const known = causeInLog(said);
  return known === undefined
    ? {
        status: 'fail',
        problem,
        hint: 'The end of `dmesg` tells what the driver did; `sriovctl setup` makes them.',
      }
    : {
        status: 'fail',
        code: known.code,
        problem: `${problem}; the kernel last said of it: ${known.cause}`,
        hint: known.hint,
      };
};

/** A driver that makes fewer VFs than were asked for says so right then, and the write succeeds. */
const lastSaid = 3;

const forEachVf = (
  spec: ResolvedSpec,
  fs: HostFs,
  look: (fs: HostFs, vf: VirtualFunction, pf: PhysicalFunction) => Promise<string | undefined>,
): Promise<CheckResult> =>
  forEachPf(spec, async (wanted) => {
    const pf = await readPf(fs, wanted.address);
    if (pf === undefined || bindsLater(wanted, pf)) return { status: 'pass' };
    for (const vf of pf.vfs) {
      const awaited = await look(fs, vf, pf);
      if (awaited !== undefined) return { status: 'pending', awaited };
    }
    return { status: 'pass' };
  });
