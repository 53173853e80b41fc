import type { Change } from '../change.ts';
import type { CheckResult } from '../check.ts';
import type { HostError } from '../errors.ts';
import type { Problem } from '../events.ts';
import type { Action, HostView, VfAttributes } from '../host.ts';
import type { ResolvedPf } from '../resolved-spec.ts';
import { formatVfRange } from '../spec/vf-range.ts';
import type { Step } from '../step.ts';
import { describeErrno } from '../sysfs/errno.ts';
import type { RefusableSetting } from '../sysfs/known-driver-table.ts';
import { knownPfDriver } from '../sysfs/known-drivers.ts';
import { readMsixCount } from '../sysfs/msix.ts';
import { netAttribute, pciAttribute } from '../sysfs/paths.ts';
import { type PhysicalFunction, readPf, type VirtualFunction } from '../sysfs/pci-device.ts';
import { readNumber } from '../sysfs/read.ts';
import { differing, readVfLinks, settingOrder, vfsAtOnce } from '../sysfs/vf-link.ts';
import {
  askedFor,
  permanentMacOf,
  settingWords,
  vfAttributesOf,
  vfSettingsOf,
} from '../sysfs/vf-settings.ts';
import { forEachPf } from './checks.ts';
import { sparingUsers, unbindVf } from './vf-unbinding.ts';

/** What the PF's driver keeps for its VFs, set while they have no driver yet where that matters. */
export const vfSettings: Step = {
  id: 'vf-settings',
  title: 'Settings of the VFs',
  scope: 'host',
  preflight: [
    {
      id: 'vf-settings-supported',
      title: 'the PF drivers support the settings',
      severity: 'error',
      run: (spec, host) => forEachPf(spec, (wanted) => supported(host, wanted)),
    },
    {
      id: 'vf-settings-possible',
      title: 'the settings can be made through the netdevs of the PFs',
      severity: 'error',
      run: (spec, host) => forEachPf(spec, (wanted) => possible(host, wanted)),
    },
  ],
  plan: async (spec, host) => {
    const changes: Change[] = [];
    for (const wanted of spec.pfs) {
      if (!hasSettings(wanted)) continue;
      const pf = await readPf(host.fs, wanted.address);
      if (pf === undefined) continue;
      changes.push(
        ...(await planPfMtu(host, pf, wanted)),
        ...(await planMsix(host, pf, wanted)),
        ...(await planAttributes(host, pf, wanted)),
      );
    }
    return changes;
  },
  checks: [
    {
      id: 'vf-settings-read-back',
      title: 'the settings read as they were made',
      severity: 'error',
      run: (spec, host) => forEachPf(spec, (wanted) => readBack(host, wanted)),
    },
  ],
  explain: async (error, { action }, _spec, host) =>
    action.kind === 'vf' ? refusedSetting(host, action, error) : undefined,
  settleMs: () => 5_000,
};

const hasSettings = ({ mtu, macPolicy, settings = [] }: ResolvedPf): boolean =>
  mtu !== undefined || macPolicy !== undefined || settings.length > 0;

/** The PF's comes first: no VF may have a larger one. */
const planPfMtu = async (
  { fs }: HostView,
  { netdev }: PhysicalFunction,
  { mtu }: ResolvedPf,
): Promise<readonly Change[]> => {
  if (mtu === undefined || netdev === undefined) return [];
  const path = netAttribute(netdev, 'mtu');
  if ((await readNumber(fs, path)) === mtu) return [];
  return [
    {
      action: { kind: 'attribute', path, value: String(mtu) },
      reason: `the MTU of ${netdev} is to be ${mtu}`,
      disrupts: `most drivers reset ${netdev} for it: its link is down for a moment`,
    },
  ];
};

/** The number of vectors can change only while no driver has them (sriov_vf_msix_count_store). */
const planMsix = async (
  host: HostView,
  pf: PhysicalFunction,
  wanted: ResolvedPf,
): Promise<readonly Change[]> => {
  const changes: Change[] = [];
  for (const vf of vfsOf(pf, wanted)) {
    const { msix } = vfSettingsOf(wanted, vf.index);
    if (msix === undefined) continue;
    const current = await readMsixCount(host, vf.address);
    if (current === msix) continue;
    changes.push(
      ...unbindVf(pf, vf, 'its interrupts can change only while it has no driver'),
      setMsix(vf, msix, current),
    );
  }
  return sparingUsers(host, pf, changes);
};

/** 0 is the driver's own choice again. */
const setMsix = (vf: VirtualFunction, count: number, before = 0): Change => {
  const path = pciAttribute(vf.address, 'sriov_vf_msix_count');
  return {
    action: { kind: 'trigger', path, value: String(count) },
    reason: `VF ${vf.index} is to have ${count} MSI-X vectors`,
    undo: [{ kind: 'trigger', path, value: String(before) }],
  };
};

const planAttributes = async (
  host: HostView,
  pf: PhysicalFunction,
  wanted: ResolvedPf,
): Promise<readonly Change[]> => {
  const { netdev } = pf;
  if (netdev === undefined) return [];
  const permanentMac = await permanentMacOf(host, netdev);
  const known = await readVfLinks(host, netdev);
  const vfs = vfsOf(pf, wanted)
    .map(({ index }) => {
      const attributes = vfAttributesOf(wanted, index, permanentMac);
      return { index, ...differing(attributes, known?.get(index)) };
    })
    .filter((vf) => Object.keys(vf).length > 1);
  return chunks(vfs).map((chunk) => ({
    action: { kind: 'vf', netdev, vfs: chunk },
    reason: `${chunk.length === 1 ? 'one VF' : `${chunk.length} VFs`} of ${netdev}: ${namesOf(chunk).join(', ')}`,
  }));
};

/** VFs that are there; those that are missing are the business of the stage before. */
const vfsOf = ({ vfs }: PhysicalFunction, wanted: ResolvedPf): readonly VirtualFunction[] =>
  vfs.filter(({ index }) => index < wanted.vfs);

const chunks = <T>(all: readonly T[]): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(all.length / vfsAtOnce) }, (_, place) =>
    all.slice(place * vfsAtOnce, (place + 1) * vfsAtOnce),
  );

const namesOf = (vfs: readonly VfAttributes[]): readonly string[] => {
  const keys = new Set(vfs.flatMap((vf) => Object.keys(vf)));
  return settingOrder.filter((key) => keys.has(key)).map((key) => settingWords[key]);
};

/** What the table knows the driver to refuse, and what sysfs says that it cannot do. */
const supported = async (host: HostView, wanted: ResolvedPf): Promise<CheckResult> => {
  const pf = await readPf(host.fs, wanted.address);
  if (pf === undefined || !hasSettings(wanted)) return { status: 'pass' };
  const refuses = { ...knownPfDriver(pf)?.refuses, ...(await refusedBySysfs(host, pf, wanted)) };
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

/** Vectors can be given to VFs where there is a pool of them (`sriov_vf_total_msix`, Linux 5.13). */
const refusedBySysfs = async (
  { fs }: HostView,
  pf: PhysicalFunction,
  wanted: ResolvedPf,
): Promise<Partial<Record<RefusableSetting, string>>> => {
  if (!(wanted.settings ?? []).some(({ msix }) => msix !== undefined)) return {};
  const pool = await readNumber(fs, pciAttribute(pf.address, 'sriov_vf_total_msix'));
  return pool === undefined || pool === 0 ? { msix: 'EOPNOTSUPP' } : {};
};

const possible = async (host: HostView, wanted: ResolvedPf): Promise<CheckResult> => {
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

/** The plan compares what was set; here is said how much that is. */
const readBack = async (host: HostView, wanted: ResolvedPf): Promise<CheckResult> => {
  const pf = await readPf(host.fs, wanted.address);
  if (pf?.netdev === undefined || !hasSettings(wanted)) return { status: 'pass' };
  const permanentMac = await permanentMacOf(host, pf.netdev);
  const known = await readVfLinks(host, pf.netdev);
  const asked = vfsOf(pf, wanted).map(({ index }) => ({
    index,
    ...vfAttributesOf(wanted, index, permanentMac),
  }));
  const unseen = asked.find((vf) => Object.keys(vf).length > 1 && !known?.has(vf.index));
  if (unseen !== undefined) {
    return { status: 'pending', awaited: `ip to show VF ${unseen.index} of ${pf.netdev}` };
  }
  const names = namesOf(asked);
  if (names.length === 0) return { status: 'pass' };
  const set = asked.filter((vf) => Object.keys(vf).length > 1).length;
  return { status: 'pass', detail: `${names.join(', ')} of ${set} VFs of ${pf.netdev} read back` };
};

/** The kernel stops at what it refuses, so the first setting that does not hold is the one. */
const refusedSetting = async (
  host: HostView,
  { netdev, vfs }: Extract<Action, { kind: 'vf' }>,
  { errno, message }: HostError,
): Promise<Problem | undefined> => {
  const known = await readVfLinks(host, netdev);
  for (const { index, ...wanted } of vfs) {
    const open = differing(wanted, known?.get(index));
    const setting = settingOrder.find((name) => open[name] !== undefined);
    if (setting === undefined) continue;
    return {
      code: `VF_SETTING_${errno}`,
      problem: `VF ${index} of ${netdev}: ${settingWords[setting]} was refused with ${errno} (${describeErrno(errno)}): ${message}`,
      hint: hints[errno] ?? 'The end of `dmesg` may tell more.',
    };
  }
  return undefined;
};

const hints: Readonly<Record<string, string>> = {
  EOPNOTSUPP: 'The driver of the PF does not support it: leave it out.',
  EPROTONOSUPPORT: 'The driver of the PF knows no other VLAN protocol than 802.1q.',
  EINVAL:
    'The driver of the PF does not allow this value; a rate limit may need the link of the PF to be up, and no more than its speed.',
  EPERM: 'The driver of the PF allows it only to a trusted VF, or not in its present state.',
  EBUSY: 'The VF or its PF is being reset: run the command again.',
};
