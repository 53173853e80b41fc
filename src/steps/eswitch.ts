import type { Change } from '../change.ts';
import type { CheckResult } from '../check.ts';
import type { HostError } from '../errors.ts';
import type { Problem } from '../events.ts';
import type { Action, EswitchSettings, HostView } from '../host.ts';
import type { ResolvedPf, ResolvedSpec } from '../resolved-spec.ts';
import type { Step } from '../step.ts';
import { eswitchDiffering, eswitchQuery, readEswitch } from '../sysfs/devlink.ts';
import { knownPfDriver } from '../sysfs/known-drivers.ts';
import { type PhysicalFunction, readPf } from '../sysfs/pci-device.ts';
import { readRepresentors } from '../sysfs/representors.ts';
import { forEachPf, planEachPf } from './checks.ts';
import { sparingUsers, unbindVf } from './vf-unbinding.ts';

const wantsEswitch = ({ pfs }: ResolvedSpec): Promise<boolean> =>
  Promise.resolve(pfs.some(({ eswitch }) => eswitch !== undefined));

type Rule = 'without-vfs' | 'with-unbound-vfs';

/** A driver that the table does not know is taken to be like most: VFs may be there without a driver. */
const ruleOf = (pf: PhysicalFunction): Rule => knownPfDriver(pf)?.eswitch ?? 'with-unbound-vfs';

const planWhere =
  (rule: Rule): Step['plan'] =>
  (spec, host) =>
    planEachPf(spec, host, async (pf, wanted) =>
      ruleOf(pf) === rule ? planPf(host, pf, wanted) : [],
    );

/**
 * Cards differ in when their switch may change: ice only while there are no VFs, mlx5 while its VFs
 * have no driver. So there are two places for it: this one before VFs are made …
 */
export const eswitchFirst: Step = {
  id: 'eswitch-first',
  title: 'Eswitch, where it wants no VFs',
  scope: 'host',
  asked: wantsEswitch,
  preflight: [
    {
      id: 'eswitch-there',
      title: 'the cards have a switch that can be set',
      severity: 'error',
      run: (spec, host) => forEachPf(spec, (wanted) => switchThere(host, wanted)),
    },
    {
      id: 'eswitch-without-vfs',
      title: 'such cards have no VFs while their switch changes',
      severity: 'error',
      run: (spec, host) => forEachPf(spec, (wanted) => withoutVfs(host, wanted)),
    },
  ],
  plan: planWhere('without-vfs'),
  explain: (error, { action }, _spec, host) => refusedSwitch(host, action, error),
};

/** … and this one while those that have been made wait for their driver. */
export const eswitch: Step = {
  id: 'eswitch',
  title: 'Eswitch',
  scope: 'host',
  asked: wantsEswitch,
  plan: planWhere('with-unbound-vfs'),
  checks: [
    {
      id: 'eswitch-mode',
      title: 'the switches are as wanted',
      severity: 'error',
      run: (spec, host) => forEachPf(spec, (wanted) => switchMode(host, wanted)),
    },
    {
      id: 'representors',
      title: 'each VF of a card in switchdev mode has its representor',
      severity: 'warning',
      run: (spec, host) => forEachPf(spec, (wanted) => representors(host, wanted)),
    },
  ],
  explain: (error, { action }, _spec, host) => refusedSwitch(host, action, error),
  settleMs: ({ pfs }) => 20_000 + pfs.reduce((sum, pf) => sum + pf.vfs, 0) * 500,
};

const planPf = async (
  host: HostView,
  pf: PhysicalFunction,
  { eswitch: wanted }: ResolvedPf,
): Promise<readonly Change[]> => {
  const { address, netdev = address } = pf;
  const settings = wanted && eswitchDiffering(wanted, await readEswitch(host, address));
  if (settings === undefined || Object.keys(settings).length === 0) return [];
  // They get their drivers again in the stage `vf-driver`.
  const unbinding =
    settings.mode === undefined
      ? []
      : pf.vfs.flatMap((vf) => unbindVf(pf, vf, 'the switch changes'));
  return [
    ...(await sparingUsers(host, pf, unbinding)),
    {
      action: { kind: 'eswitch', address, settings },
      reason: `the switch of ${netdev} is to be ${wordsOf(settings)}`,
      disrupts: `what goes over ${netdev} stops for a moment, and its offloaded rules are lost`,
    },
  ];
};

const wordsOf = ({ mode, inlineMode, encapMode }: EswitchSettings): string =>
  [
    mode,
    inlineMode === undefined ? undefined : `inline-mode ${inlineMode}`,
    encapMode === undefined ? undefined : `encap-mode ${encapMode}`,
  ]
    .filter((word) => word !== undefined)
    .join(', ');

/** igb, ixgbe and i40e have none that devlink could set. */
const switchThere = async (
  host: HostView,
  { address, eswitch: wanted }: ResolvedPf,
): Promise<CheckResult> => {
  if (wanted === undefined) return { status: 'pass' };
  const answer = await host.query(eswitchQuery(address));
  if (!answer.ran) {
    return {
      status: 'fail',
      problem: `the switch of ${address} cannot be asked for: ${answer.because}`,
      hint: 'Install iproute2, which has the program devlink.',
    };
  }
  if ((await readEswitch(host, address)) !== undefined) return { status: 'pass' };
  const pf = await readPf(host.fs, address);
  return {
    status: 'fail',
    problem: `${pf?.driver ?? 'the driver'} of ${pf?.netdev ?? address} has no switch that can be set: ${answer.stderr.trim() || 'devlink shows none'}`,
    hint: 'Leave --eswitch out: only some cards can do it (mlx5, ice, bnxt_en, nfp).',
  };
};

const withoutVfs = async (
  host: HostView,
  { address, eswitch: wanted }: ResolvedPf,
): Promise<CheckResult> => {
  const pf = await readPf(host.fs, address);
  if (wanted?.mode === undefined || pf === undefined || ruleOf(pf) !== 'without-vfs') {
    return { status: 'pass' };
  }
  const { mode } = (await readEswitch(host, address)) ?? {};
  if (mode === wanted.mode || pf.vfs.length === 0) return { status: 'pass' };
  const name = pf.netdev ?? address;
  return {
    status: 'fail',
    problem: `${pf.driver ?? 'the driver'} changes the switch only while there are no VFs: ${name} has ${pf.vfs.length}`,
    hint: `Remove them first: sriovctl teardown --pf ${name} --only vfs`,
  };
};

const switchMode = async (
  host: HostView,
  { address, eswitch: wanted }: ResolvedPf,
): Promise<CheckResult> => {
  if (wanted === undefined) return { status: 'pass' };
  const actual = await readEswitch(host, address);
  const open = eswitchDiffering(wanted, actual);
  return Object.keys(open).length === 0
    ? { status: 'pass', detail: `${address}: ${wordsOf(wanted)}` }
    : { status: 'pending', awaited: `the switch of ${address} to be ${wordsOf(open)}` };
};

const representors = async (
  host: HostView,
  { address, eswitch: wanted }: ResolvedPf,
): Promise<CheckResult> => {
  const pf = await readPf(host.fs, address);
  if (wanted?.mode !== 'switchdev' || pf === undefined) return { status: 'pass' };
  const found = await readRepresentors(host.fs, pf);
  const missing = pf.vfs.find(({ index }) => !found.has(index));
  return missing === undefined
    ? { status: 'pass', detail: `${pf.vfs.length} representors` }
    : { status: 'pending', awaited: `the representor of VF ${missing.index}` };
};

const refusedSwitch = async (
  { fs }: HostView,
  action: Action,
  { message }: HostError,
): Promise<Problem | undefined> => {
  if (action.kind !== 'eswitch') return undefined;
  const { address, settings } = action;
  const pf = await readPf(fs, address);
  return {
    code: 'ESWITCH_REFUSED',
    problem: `${pf?.driver ?? 'the driver'} of ${pf?.netdev ?? address} did not make its switch ${wordsOf(settings)}: ${message}`,
    hint: 'The end of `dmesg` tells what the driver said. mlx5 wants no IPsec, no flow rules and firmware that can do it; ice wants no VFs and no bond.',
  };
};
