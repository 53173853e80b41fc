import type { Change } from '../change.ts';
import type { CheckResult } from '../check.ts';
import type { HostError } from '../errors.ts';
import type { Problem } from '../events.ts';
import type { Action, HostFs, HostPath, HostView } from '../host.ts';
import type { ResolvedPf, ResolvedSpec } from '../resolved-spec.ts';
import type { Step } from '../step.ts';
import { binding, unbinding } from '../sysfs/binding.ts';
import { sharersOf, vfioWithoutIommu } from '../sysfs/iommu-group.ts';
import { isDriverPresent, moduleForVfs, moduleOfDriver } from '../sysfs/module.ts';
import { netAttribute, pciAttribute, pciDriversProbe } from '../sysfs/paths.ts';
import { type PhysicalFunction, readPf, type VirtualFunction } from '../sysfs/pci-device.ts';
import { readAttribute, readLinkName, readNumber } from '../sysfs/read.ts';
import { readVfLinks } from '../sysfs/vf-link.ts';
import {
  isUserspaceDriver,
  kernelDriver,
  permanentMacOf,
  vfAttributesOf,
  vfSettingsOf,
  wantedDrivers,
} from '../sysfs/vf-settings.ts';
import { forEachPf } from './checks.ts';
import { driverAwaited, nameAwaited } from './vf-netdev.ts';
import { sparingUsers, unbindVf } from './vf-unbinding.ts';

/** Gives each VF the driver that it is to have, and its netdev what only that can be given. */
export const vfDriver: Step = {
  id: 'vf-driver',
  title: 'Drivers of the VFs',
  scope: 'host',
  preflight: [
    {
      id: 'vfio-iommu',
      title: 'an IOMMU translates for VFs that go to vfio-pci',
      severity: 'error',
      run: (spec, host) => forEachPf(spec, (wanted) => checkIommu(host, wanted)),
    },
    {
      id: 'vfio-group',
      title: 'such VFs share their IOMMU group with nothing that the kernel uses',
      severity: 'error',
      run: (spec, host) => forEachPf(spec, (wanted) => checkGroups(spec, host, wanted)),
    },
  ],
  plan: async (spec, host) => {
    const changes: Change[] = [];
    for (const wanted of spec.pfs) {
      const pf = await readPf(host.fs, wanted.address);
      if (pf !== undefined) changes.push(...(await planPf(host, pf, wanted)));
    }
    return changes;
  },
  checks: [
    {
      id: 'vf-driver-bound',
      title: 'each VF has the driver that it is to have',
      severity: 'error',
      run: (spec, { fs }) => forEachPf(spec, (wanted) => checkDrivers(fs, wanted)),
    },
    {
      id: 'vf-driver-names',
      title: 'udev has named the netdevs',
      severity: 'warning',
      run: (spec, { fs }) => forEachPf(spec, (wanted) => checkNames(fs, wanted)),
    },
  ],
  explain: async (error, { action }, _spec, { fs }) => refusedBinding(fs, action, error),
  settleMs: ({ pfs }) => 15_000 + pfs.reduce((sum, pf) => sum + pf.vfs, 0) * 500,
};

const planPf = async (
  host: HostView,
  pf: PhysicalFunction,
  wanted: ResolvedPf,
): Promise<readonly Change[]> => {
  const changes: Change[] = [];
  const usual = await moduleForVfs(host.fs, pf);
  const permanentMac = pf.netdev === undefined ? undefined : await permanentMacOf(host, pf.netdev);
  for (const vf of pf.vfs) {
    if (vf.index >= wanted.vfs) continue;
    const { driver, mtu } = vfSettingsOf(wanted, vf.index);
    const rebound = await planDriver(host.fs, { pf, vf, usual, driver });
    changes.push(...rebound);
    if (rebound.length > 0) continue;
    const { mac } = vfAttributesOf(wanted, vf.index, permanentMac);
    changes.push(...(await planMac(host, pf, vf, mac)), ...(await planMtu(host.fs, pf, vf, mtu)));
  }
  return withModules(host.fs, await sparingUsers(host, pf, changes));
};

interface Wish {
  readonly pf: PhysicalFunction;
  readonly vf: VirtualFunction;
  /** The driver that the kernel would choose, where that is known. */
  readonly usual: string | undefined;
  readonly driver: string | undefined;
}

const planDriver = async (fs: HostFs, wish: Wish): Promise<readonly Change[]> => {
  const { vf, usual } = wish;
  const driver = wish.driver === usual ? kernelDriver : wish.driver;
  if (driver !== undefined && driver !== kernelDriver) {
    return vf.driver === driver ? [] : planNamedDriver(fs, wish, driver);
  }
  const fine = vf.driver !== undefined && (driver === undefined || (await hasUsual(fs, vf, usual)));
  return fine ? [] : planUsualDriver(fs, wish);
};

/** A module may register its driver under another name (nfp: nfp_netvf). */
const hasUsual = async (
  fs: HostFs,
  { driver }: VirtualFunction,
  usual: string | undefined,
): Promise<boolean> => {
  if (driver === undefined || usual === undefined) return !isUserspaceDriver(driver);
  return driver === usual || (await moduleOfDriver(fs, driver)) === usual.replaceAll('-', '_');
};

/** driver_override lets one driver take the VF and no other; bind says why if it does not. */
const planNamedDriver = async (
  fs: HostFs,
  { pf, vf }: Wish,
  driver: string,
): Promise<readonly Change[]> => [
  ...unbindVf(pf, vf, `it is to be driven by ${driver}`),
  ...(await planOverride(fs, vf, driver)),
  {
    action: binding(driver, vf.address),
    reason: `VF ${vf.index} of ${pf.netdev ?? pf.address} is to be driven by ${driver}`,
    undo: [unbinding(vf.address)],
  },
];

const planUsualDriver = async (
  fs: HostFs,
  { pf, vf, driver }: Wish,
): Promise<readonly Change[]> => [
  ...unbindVf(pf, vf, 'it is to have its usual driver'),
  // Without a wish an override that somebody else has set stays.
  ...(driver === undefined ? [] : await planOverride(fs, vf, undefined)),
  {
    action: { kind: 'trigger', path: pciDriversProbe, value: vf.address },
    reason: `VF ${vf.index} of ${pf.netdev ?? pf.address} is to have its usual driver`,
    undo: [unbinding(vf.address)],
  },
];

/** An unset override reads `(null)`, and is cleared by a newline. */
const planOverride = async (
  fs: HostFs,
  vf: VirtualFunction,
  driver: string | undefined,
): Promise<readonly Change[]> => {
  const path = pciAttribute(vf.address, 'driver_override');
  const current = await readAttribute(fs, path);
  const set = current === undefined || current === '(null)' ? '' : current;
  if (set === (driver ?? '')) return [];
  return [
    {
      action: { kind: 'attribute', path, value: driver ?? '\n' },
      reason:
        driver === undefined
          ? `any driver may take VF ${vf.index} again`
          : `no other driver than ${driver} may take VF ${vf.index}`,
    },
  ];
};

/**
 * A driver asks for its VF's MAC when it takes the VF, and never again (igbvf, mlx5). One that gets no
 * answer makes a MAC up, and the PF takes that over from a VF that it trusts (igb_set_vf_mac_addr).
 */
const planMac = async (
  host: HostView,
  pf: PhysicalFunction,
  vf: VirtualFunction,
  mac: string | undefined,
): Promise<readonly Change[]> => {
  if (mac === undefined || vf.driver === undefined) return [];
  const current = await readAttribute(host.fs, ownNetdevAttribute(vf, 'address'));
  if (current === undefined || current === mac) return [];
  const { netdev = '' } = pf;
  const kept = (await readVfLinks(host, netdev))?.get(vf.index)?.mac;
  const again: Change = {
    action: { kind: 'vf', netdev, vfs: [{ index: vf.index, mac }] },
    reason: `VF ${vf.index} of ${netdev} has made up the MAC ${kept ?? current} and told its PF so`,
  };
  return [
    ...unbindVf(pf, vf, `it takes up the MAC ${mac} when it is bound again`),
    ...(kept === undefined || kept === mac ? [] : [again]),
    {
      action: binding(vf.driver, vf.address),
      reason: `VF ${vf.index} of ${pf.netdev ?? pf.address} takes up the MAC ${mac}`,
      undo: [unbinding(vf.address)],
    },
  ];
};

const planMtu = async (
  fs: HostFs,
  pf: PhysicalFunction,
  vf: VirtualFunction,
  mtu: number | undefined,
): Promise<readonly Change[]> => {
  if (mtu === undefined || vf.netdev === undefined) return [];
  if ((await nameAwaited(fs, vf, pf)) !== undefined) return [];
  const current = await readNumber(fs, ownNetdevAttribute(vf, 'mtu'));
  if (current === undefined || current === mtu) return [];
  return [
    {
      action: { kind: 'attribute', path: netAttribute(vf.netdev, 'mtu'), value: String(mtu) },
      reason: `the MTU of ${vf.netdev} (VF ${vf.index}) is to be ${mtu}`,
    },
  ];
};

/**
 * Below the VF and not below /sys/class/net: udev renames the netdev meanwhile, and then its old name
 * is nobody's, or that of the next VF.
 */
const ownNetdevAttribute = ({ address, netdev = '' }: VirtualFunction, name: string): HostPath =>
  pciAttribute(address, `net/${netdev}/${name}`);

/** Where the stage `driver` was left out, a driver that is to bind VFs is loaded first. */
const withModules = async (fs: HostFs, changes: readonly Change[]): Promise<readonly Change[]> => {
  const modules = new Set<string>();
  for (const { action } of changes) {
    const [, driver] = action.kind === 'trigger' ? (/([^/]+)\/bind$/.exec(action.path) ?? []) : [];
    if (driver !== undefined && !(await isDriverPresent(fs, driver))) modules.add(driver);
  }
  const loads = [...modules].map(
    (module): Change => ({
      action: { kind: 'module', module },
      reason: `${module} is to drive VFs`,
      undo: 'irreversible',
    }),
  );
  return [...loads, ...changes];
};

const checkIommu = async (host: HostView, wanted: ResolvedPf): Promise<CheckResult> => {
  if (!wantedDrivers(wanted).includes('vfio-pci')) return { status: 'pass' };
  const pf = await readPf(host.fs, wanted.address);
  if (pf === undefined || pf.iommuGroup !== undefined) return { status: 'pass' };
  if (await vfioWithoutIommu(host.fs)) {
    return { status: 'pass', detail: 'vfio without IOMMU: a VF can reach all memory' };
  }
  return {
    status: 'fail',
    problem: `no IOMMU translates for ${pf.netdev ?? pf.address}: vfio-pci would not take its VFs (EINVAL)`,
    hint: 'Switch on VT-d or AMD-Vi in the firmware setup; `sriovctl setup --iommu on` sees to the kernel arguments.',
  };
};

/** Groups are only known once there are VFs; a rehearsal has them. */
const checkGroups = async (
  spec: ResolvedSpec,
  { fs }: HostView,
  wanted: ResolvedPf,
): Promise<CheckResult> => {
  const pf = await readPf(fs, wanted.address);
  const mine = await toVfio(spec, fs);
  for (const vf of pf?.vfs ?? []) {
    if (!mine.has(vf.address) || vf.iommuGroup === undefined) continue;
    const sharers = (await sharersOf(fs, vf.address, vf.iommuGroup)).filter(
      ({ address }) => !mine.has(address),
    );
    if (sharers.length === 0) continue;
    const who = sharers.map(({ address, driver }) => `${address} (${driver})`).join(', ');
    return {
      status: 'fail',
      problem: `VF ${vf.index} of ${pf?.netdev ?? wanted.address} (${vf.address}) shares IOMMU group ${vf.iommuGroup} with ${who}`,
      hint: 'A group goes to vfio as a whole: give those to vfio-pci as well, or use a slot that isolates its functions (ACS).',
    };
  }
  return { status: 'pass' };
};

/** All VFs of the spec that are to go to vfio-pci. */
const toVfio = async ({ pfs }: ResolvedSpec, fs: HostFs): Promise<ReadonlySet<string>> => {
  const addresses = new Set<string>();
  for (const wanted of pfs) {
    for (const vf of (await readPf(fs, wanted.address))?.vfs ?? []) {
      if (vfSettingsOf(wanted, vf.index).driver === 'vfio-pci') addresses.add(vf.address);
    }
  }
  return addresses;
};

const checkDrivers = async (fs: HostFs, wanted: ResolvedPf): Promise<CheckResult> => {
  const pf = await readPf(fs, wanted.address);
  const counts = new Map<string, number>();
  for (const vf of pf?.vfs ?? []) {
    const awaited = await driverAwaited(fs, vf);
    if (awaited !== undefined) return { status: 'pending', awaited };
    const { mtu } = vfSettingsOf(wanted, vf.index);
    const named = mtu === undefined ? undefined : pf && (await nameAwaited(fs, vf, pf));
    if (named !== undefined) return { status: 'pending', awaited: named };
    counts.set(vf.driver ?? '', (counts.get(vf.driver ?? '') ?? 0) + 1);
  }
  if (counts.size === 0) return { status: 'pass' };
  const words = [...counts].map(([driver, count]) => `${count} ${driver}`);
  return { status: 'pass', detail: `${pf?.netdev ?? wanted.address}: ${words.join(', ')}` };
};

const checkNames = async (fs: HostFs, { address }: ResolvedPf): Promise<CheckResult> => {
  const pf = await readPf(fs, address);
  for (const vf of pf?.vfs ?? []) {
    const awaited = pf && (await nameAwaited(fs, vf, pf));
    if (awaited !== undefined) return { status: 'pending', awaited };
  }
  return { status: 'pass' };
};

const refusedBinding = async (
  fs: HostFs,
  action: Action,
  { errno }: HostError,
): Promise<Problem | undefined> => {
  const [, driver] = action.kind === 'trigger' ? (/([^/]+)\/bind$/.exec(action.path) ?? []) : [];
  if (driver === undefined || action.kind !== 'trigger') return undefined;
  const address = action.value.trim();
  const group = await readLinkName(fs, pciAttribute(address, 'iommu_group'));
  const problem = `${driver} did not take VF ${address}: ${errno}`;
  const code = `BIND_${errno}`;
  if (driver === 'vfio-pci' && errno === 'EINVAL' && group === undefined) {
    const hint =
      'No IOMMU translates for it: switch it on in the firmware setup and the kernel arguments.';
    return { code, problem, hint };
  }
  const hint = bindHints[errno];
  return hint === undefined ? undefined : { code, problem, hint };
};

const bindHints: Readonly<Record<string, string>> = {
  EBUSY: 'Somebody else has bound it to a driver meanwhile (driverctl, libvirt, a udev rule).',
  ENODEV:
    'The driver does not know this kind of card, or the VF is gone. `dmesg` may tell what its probe said.',
  ENOENT: 'The driver is not loaded.',
  EINVAL: 'The driver tried and failed: the end of `dmesg` tells why.',
  EPERM: 'The driver tried and was not allowed to: the end of `dmesg` tells why.',
};
