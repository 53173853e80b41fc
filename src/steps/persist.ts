import type { Change } from '../change.ts';
import type { Check, CheckResult } from '../check.ts';
import type { HostFs, HostView } from '../host.ts';
import { planBoot } from '../persist/boot-plan.ts';
import { planInstallation } from '../persist/changes.ts';
import { type Installation, installationOf, nothingInstalled } from '../persist/installation.ts';
import { obstacles } from '../persist/obstacles.ts';
import { bootUnit, enabledPath, pfUnit, systemdRunning } from '../persist/places.ts';
import { plansOfOthers, readRecord } from '../persist/record.ts';
import { failedUnits, forgetFailure, queryUnit } from '../persist/systemd.ts';
import { namedPfs, type PersistMechanism, type ResolvedSpec } from '../resolved-spec.ts';
import type { Step } from '../step.ts';
import { describeManager, otherManagersOf } from '../sysfs/managers/managers.ts';
import { operatorName } from '../sysfs/managers/operator.ts';
import { readPf } from '../sysfs/pci-device.ts';

/** Without a word about it: the one mechanism that works the same everywhere. */
const mechanismOf = ({ persist = 'boot-unit' }: ResolvedSpec): PersistMechanism => persist;

/**
 * Makes the host come up with its VFs. What happens at boot is worked out by the stages that make
 * and set up VFs, so they are given: stages do not import each other.
 */
export const persistStep = (hostSteps: readonly Step[]): Step => {
  const wantedFor = async (spec: ResolvedSpec, view: HostView): Promise<Installation> => {
    const plans = [
      ...(await planBoot(hostSteps, spec, view)),
      ...(await plansOfOthers(spec, view.fs)),
    ];
    return installationOf(mechanismOf(spec), byAddress(plans), view.fs);
  };

  return {
    id: 'persist',
    title: 'After a reboot',
    scope: 'host',
    skip: async (spec, { fs }) => {
      if (spec.persist === 'none') return 'not wanted';
      if (spec.persist !== undefined || (await fs.stat(systemdRunning)) !== undefined) {
        return undefined;
      }
      return 'this host does not run systemd: nothing makes the VFs again after a boot; see --persist';
    },
    preflight: [
      {
        id: 'persist-possible',
        title: 'this host can make the VFs again after a boot',
        severity: 'error',
        run: (spec, host) => obstacles(mechanismOf(spec), spec, host),
      },
    ],
    plan: async (spec, view) => {
      const changes = [
        ...(await planInstallation(await wantedFor(spec, view), view.fs)),
        ...(await planForgetting(spec, view)),
      ];
      const takesHold = changes.length > 0 && acting.includes(mechanismOf(spec));
      return takesHold ? withPermission(changes, await otherManagers(spec, view.fs)) : changes;
    },
    teardown: async (spec, view) => {
      const { fs } = view;
      const record = await readRecord(fs);
      // Without a PF it is all of it.
      const others = namedPfs(spec).size === 0 ? [] : await plansOfOthers(spec, fs);
      const wanted =
        record === undefined || others.length === 0
          ? nothingInstalled
          : await installationOf(record.mechanism, byAddress(others), fs);
      return [...(await planInstallation(wanted, fs)), ...(await planForgetting(spec, view))];
    },
    checks: [
      {
        id: 'persist-caveats',
        title: 'what the mechanism cannot do is known',
        severity: 'warning',
        run: async (spec, view) => {
          const { files, caveats } = await wantedFor(spec, view);
          if (caveats.length === 0) return { status: 'pass' };
          const paths = files.map(({ path }) => path).join(', ');
          return { status: 'pass', detail: [paths, ...caveats].join('; ') };
        },
      },
      unitEnabled,
      unitLoaded,
    ],
  };
};

/**
 * What a unit could not do in this boot is done now, or no longer wanted: whoever looks after the
 * host's failed units need not come. The boot unit is for all PFs, so it is for a run on all of them.
 */
const planForgetting = async (spec: ResolvedSpec, view: HostView): Promise<readonly Change[]> => {
  const others = await plansOfOthers(spec, view.fs);
  const named = [...namedPfs(spec)];
  const all = named.length === 0 || others.length === 0;
  const units = (named.length > 0 ? named : others.map(({ identity }) => identity.address)).map(
    pfUnit,
  );
  const failed = await failedUnits(view, all ? [bootUnit, ...units] : units);
  if (failed.length === 0) return [];
  return [
    {
      action: { kind: 'command', command: forgetFailure(failed) },
      reason: `failed in this boot, which is made up for (\`journalctl -b -t sriovctl\` tells why)`,
      undo: 'irreversible',
    },
  ];
};

/** Mechanisms that do something at boot by themselves; the others are texts for a human. */
const acting: readonly PersistMechanism[] = ['boot-unit', 'rc-local', 'networkd-link'];

/** Two that make the VFs of one PF at each boot take them from each other. */
const otherManagers = async (spec: ResolvedSpec, fs: HostFs): Promise<readonly string[]> => {
  const found: string[] = [];
  for (const { address, vfs } of spec.pfs) {
    const pf = vfs === 0 ? undefined : await readPf(fs, address);
    if (pf === undefined) continue;
    const managers = (await otherManagersOf(fs, [pf])).get(pf) ?? [];
    // The operator has a check of its own, and says there whether it minds.
    const atBoot = managers.filter(({ name }) => name !== operatorName);
    found.push(...atBoot.map((each) => `${pf.netdev ?? address}: ${describeManager(each)}`));
  }
  return found;
};

/** Named before anything is installed: going on is the user's own decision. */
const withPermission = (
  changes: readonly Change[],
  managers: readonly string[],
): readonly Change[] => {
  const [first, ...rest] = changes;
  if (first === undefined || managers.length === 0) return changes;
  const problem = `somebody else looks after the VFs at boot: ${managers.join('; ')}`;
  const hint = 'Take it out there, or leave it to them with --no-persist; --force goes on.';
  return [{ ...first, requires: { permission: 'force', problem, hint } }, ...rest];
};

const byAddress = <T extends { readonly identity: { readonly address: string } }>(
  plans: readonly T[],
): readonly T[] => plans.toSorted((a, b) => (a.identity.address < b.identity.address ? -1 : 1));

/** A check that says something only where the boot unit is what is wanted. */
const unitCheck = (
  check: Pick<Check, 'id' | 'title' | 'severity'>,
  look: (host: HostView) => Promise<CheckResult>,
): Check => ({
  ...check,
  run: async (spec, host) => {
    const wanted = mechanismOf(spec) === 'boot-unit' && spec.pfs.some(({ vfs }) => vfs > 0);
    return wanted ? look(host) : { status: 'pass' };
  },
});

const unitEnabled = unitCheck(
  { id: 'boot-unit-enabled', title: 'the boot unit is part of each boot', severity: 'error' },
  async ({ fs }) =>
    (await fs.stat(enabledPath)) === undefined
      ? { status: 'pending', awaited: `${bootUnit} to be enabled` }
      : { status: 'pass', detail: `${bootUnit} makes the VFs again` },
);

const unitLoaded = unitCheck(
  { id: 'boot-unit-loaded', title: 'systemd knows the boot unit', severity: 'error' },
  async (host) => {
    const state = await queryUnit(host);
    if (state === undefined) return { status: 'skip', because: 'systemd cannot be asked' };
    if (state.needsReload) {
      return { status: 'pending', awaited: `systemd to read ${bootUnit} again` };
    }
    return state.loaded === 'loaded'
      ? { status: 'pass' }
      : {
          status: 'fail',
          problem: `systemd does not take ${bootUnit}: ${state.loaded}`,
          hint: `\`systemctl status ${bootUnit}\` tells why.`,
        };
  },
);
