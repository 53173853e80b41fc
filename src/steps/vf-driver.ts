import type { Change } from '../change.ts';
import type { CheckResult } from '../check.ts';
import type { HostFs, HostView } from '../host.ts';
import type { ResolvedPf } from '../resolved-spec.ts';
import type { Step } from '../step.ts';
import { moduleForVfs } from '../sysfs/module.ts';
import { type PhysicalFunction, readPf } from '../sysfs/pci-device.ts';
import { permanentMacOf, vfAttributesOf, vfSettingsOf } from '../sysfs/vf-settings.ts';
import { forEachPf, planEachPf } from './checks.ts';
import { planDriver, refusedBinding, withModules } from './vf-binding.ts';
import { driverAwaited, nameAwaited } from './vf-netdev.ts';
import { planMac, planMtu } from './vf-netdev-settings.ts';
import { sparingUsers } from './vf-unbinding.ts';
import { checkGroups, checkIommu } from './vf-vfio.ts';

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
  plan: (spec, host) => planEachPf(spec, host, (pf, wanted) => planPf(host, pf, wanted)),
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
