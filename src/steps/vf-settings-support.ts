import type { CheckResult } from '../check.ts';
import type { HostView } from '../host.ts';
import type { ResolvedPf } from '../resolved-spec.ts';
import { formatVfRange } from '../spec/vf-range.ts';
import { describeErrno } from '../sysfs/errno.ts';
import type { RefusableSetting } from '../sysfs/known-driver-table.ts';
import { knownPfDriver } from '../sysfs/known-drivers.ts';
import { netAttribute, pciAttribute } from '../sysfs/paths.ts';
import { type PhysicalFunction, readPf } from '../sysfs/pci-device.ts';
import { readNumber } from '../sysfs/read.ts';
import {
  askedFor,
  hasSettings,
  permanentMacOf,
  settingWords,
  vfSettingsOf,
} from '../sysfs/vf-settings.ts';

/** What the table knows the driver to refuse, and what sysfs says that it cannot do. */
export const settingsSupported = async (
  host: HostView,
  wanted: ResolvedPf,
): Promise<CheckResult> => {
  const pf = await readPf(host.fs, wanted.address);
  if (pf === undefined || !hasSettings(wanted)) return { status: 'pass' };
  const refuses = { ...knownPfDriver(pf)?.refuses, ...(await refusedBySysfs(host, pf)) };
  const refused = new Map<RefusableSetting, number[]>();
  for (let index = 0; index < wanted.vfs; index += 1) {
    for (const setting of askedFor(vfSettingsOf(wanted, index))) {
      if (refuses[setting] === undefined) continue;
      refused.set(setting, [...(refused.get(setting) ?? []), index]);
    }
  }
  if (refused.size === 0) return { status: 'pass' };
  const name = pf.netdev ?? pf.address;
  const words = [...refused].map(([setting, indexes]) => {
    const errno = refuses[setting] ?? '';
    return `${settingWords[setting]} (VF ${formatVfRange(indexes)}): ${errno}, ${describeErrno(errno)}`;
  });
  return {
    status: 'fail',
    problem: `${pf.driver ?? 'the driver'} of ${name} does not support ${words.join('; ')}`,
    hint: `Leave out ${[...refused.keys()].map((setting) => settingWords[setting]).join(', ')}; nothing of ${name} has been changed.`,
  };
};

/** Whether the PF has a netdev to set them through, the address and the MTU that they rest on. */
export const settingsPossible = async (
  host: HostView,
  wanted: ResolvedPf,
): Promise<CheckResult> => {
  if (!hasSettings(wanted)) return { status: 'pass' };
  const pf = await readPf(host.fs, wanted.address);
  if (pf === undefined || wanted.vfs === 0) return { status: 'pass' };
  if (pf.netdev === undefined) {
    return {
      status: 'fail',
      problem: `${pf.address} has no netdev in this network namespace, through which its VFs are set up`,
      hint: 'Give it its usual driver, or run sriovctl where its netdev is.',
    };
  }
  if (wanted.macPolicy === 'stable' && (await permanentMacOf(host, pf.netdev)) === undefined) {
    return {
      status: 'fail',
      problem: `the permanent address of ${pf.netdev} is not known, from which those of its VFs would be worked out`,
      hint: 'Give each VF its address with --vf N:mac=….',
    };
  }
  return mtuFits(host, pf.netdev, wanted);
};

/**
 * Vectors can be given to VFs where there is a pool of them (`sriov_vf_total_msix`, Linux 5.13), and
 * GUIDs where the PF's netdev is one of InfiniBand (ipoib_set_vf_guid).
 */
const refusedBySysfs = async (
  { fs }: HostView,
  { address, netdev }: PhysicalFunction,
): Promise<Partial<Record<RefusableSetting, string>>> => {
  const pool = await readNumber(fs, pciAttribute(address, 'sriov_vf_total_msix'));
  const type =
    netdev === undefined ? undefined : await readNumber(fs, netAttribute(netdev, 'type'));
  return {
    ...((pool ?? 0) === 0 && { msix: 'EOPNOTSUPP' }),
    ...(type === ethernet && { nodeGuid: 'EOPNOTSUPP', portGuid: 'EOPNOTSUPP' }),
  };
};

/** ARPHRD_ETHER, include/uapi/linux/if_arp.h. */
const ethernet = 1;

const mtuFits = async (
  { fs }: HostView,
  netdev: string,
  wanted: ResolvedPf,
): Promise<CheckResult> => {
  const most = wanted.mtu ?? (await readNumber(fs, netAttribute(netdev, 'mtu')));
  const largest = Math.max(0, ...(wanted.settings ?? []).map(({ mtu }) => mtu ?? 0));
  if (most === undefined || largest <= most) return { status: 'pass' };
  return {
    status: 'fail',
    problem: `a VF of ${netdev} is to have an MTU of ${largest}, its PF has ${most}`,
    hint: `Raise that of the PF with --mtu ${largest}.`,
  };
};
