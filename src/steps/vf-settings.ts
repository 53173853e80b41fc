import type { Change } from '../change.ts';
import type { CheckResult } from '../check.ts';
import type { HostError } from '../errors.ts';
import type { Problem } from '../events.ts';
import type { Action, HostView, VfAttributes } from '../host.ts';
import type { ResolvedPf } from '../resolved-spec.ts';
import type { Step } from '../step.ts';
import { describeErrno } from '../sysfs/errno.ts';
import { knownPfDriver } from '../sysfs/known-drivers.ts';
import { readMsixCount } from '../sysfs/msix.ts';
import { hasCarrier } from '../sysfs/netdev.ts';
import { netAttribute, pciAttribute } from '../sysfs/paths.ts';
import { type PhysicalFunction, readPf, type VirtualFunction } from '../sysfs/pci-device.ts';
import { readNumber } from '../sysfs/read.ts';
import { vfCount } from '../sysfs/vf-count.ts';
import {
  differing,
  readVfLinks,
  settingOrder,
  type VfRequest,
  vfsAtOnce,
} from '../sysfs/vf-link.ts';
import {
  hasSettings,
  permanentMacOf,
  settingWords,
  vfAttributesOf,
  vfSettingsOf,
} from '../sysfs/vf-settings.ts';
import { forEachPf, planEachPf } from './checks.ts';
import { settingsPossible, settingsSupported } from './vf-settings-support.ts';
import { sparingUsers, unbindVf } from './vf-unbinding.ts';

/** What the PF's driver keeps for its VFs, set while they have no driver yet where that matters. */
export const vfSettings: Step = {
  id: 'vf-settings',
  title: 'Settings of the VFs',
  scope: 'host',
  asked: ({ pfs }) => Promise.resolve(pfs.some(hasSettings)),
  preflight: [
    {
      id: 'vf-settings-supported',
      title: 'the PF drivers support the settings',
      severity: 'error',
      run: (spec, host) => forEachPf(spec, (wanted) => settingsSupported(host, wanted)),
    },
    {
      id: 'vf-settings-possible',
      title: 'the settings can be made through the netdevs of the PFs',
      severity: 'error',
      run: (spec, host) => forEachPf(spec, (wanted) => settingsPossible(host, wanted)),
    },
  ],
  plan: (spec, host) => planEachPf(spec, host, (pf, wanted) => planPf(host, pf, wanted)),
  checks: [
    {
      id: 'vf-settings-link',
      title: 'PFs whose driver wants a link for the settings have one',
      severity: 'error',
      run: (spec, host) => forEachPf(spec, (wanted) => linkThere(host, wanted)),
    },
    {
      id: 'vf-settings-read-back',
      title: 'the settings read as they were made',
      severity: 'error',
      run: (spec, host) => forEachPf(spec, (wanted) => readBack(host, wanted)),
    },
  ],
  explain: async (error, { action }, _spec, host) =>
    action.kind === 'vf' ? refusedSetting(host, action, error) : undefined,
  // A port that has been reset may take some seconds to agree on a speed with the other side.
  settleMs: () => 20_000,
};

const planPf = async (
  host: HostView,
  pf: PhysicalFunction,
  wanted: ResolvedPf,
): Promise<readonly Change[]> => {
  if (!hasSettings(wanted)) return [];
  const mtu = await planPfMtu(host, pf, wanted);
  // Most drivers set the port up anew for it: what follows is planned when that has begun.
  return mtu.length > 0
    ? mtu
    : [...(await planMsix(host, pf, wanted)), ...(await planAttributes(host, pf, wanted))];
};

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
  const vfs = await openAttributes(host, pf, wanted);
  if (await lacksLink(host, pf, vfs)) return [];
  return chunks(vfs).map((chunk) => ({
    action: { kind: 'vf', netdev, vfs: chunk },
    reason: `${vfCount(chunk.length)} of ${netdev}: ${namesOf(chunk).join(', ')}`,
  }));
};

/** What the PF's driver does not keep for its VFs yet, of each VF where that is something. */
const openAttributes = async (
  host: HostView,
  pf: PhysicalFunction,
  wanted: ResolvedPf,
): Promise<readonly VfRequest[]> => {
  if (pf.netdev === undefined) return [];
  const permanentMac = await permanentMacOf(host, pf.netdev);
  const known = await readVfLinks(host, pf.netdev);
  return vfsOf(pf, wanted)
    .map(({ index }) => {
      const attributes = vfAttributesOf(wanted, index, permanentMac);
      return { index, ...differing(attributes, known?.get(index)) };
    })
    .filter((vf) => Object.keys(vf).length > 1);
};

const lacksLink = async (
  { fs }: HostView,
  pf: PhysicalFunction,
  vfs: readonly VfRequest[],
): Promise<boolean> =>
  pf.netdev !== undefined &&
  knownPfDriver(pf)?.rateNeedsLink === true &&
  vfs.some(({ maxTxRate = 0 }) => maxTxRate > 0) &&
  !(await hasCarrier(fs, pf.netdev));

const linkThere = async (host: HostView, wanted: ResolvedPf): Promise<CheckResult> => {
  const pf = hasSettings(wanted) ? await readPf(host.fs, wanted.address) : undefined;
  if (pf === undefined) return { status: 'pass' };
  return (await lacksLink(host, pf, await openAttributes(host, pf, wanted)))
    ? {
        status: 'pending',
        awaited: `a link of ${pf.netdev ?? pf.address}, without which ${pf.driver ?? 'its driver'} sets no rate`,
      }
    : { status: 'pass' };
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
  return {
    status: 'pass',
    detail: `${names.join(', ')} of ${vfCount(set)} of ${pf.netdev} read back`,
  };
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
