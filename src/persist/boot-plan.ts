import { type Change, changeKey } from '../change.ts';
import { SriovctlError } from '../errors.ts';
import type { HostView } from '../host.ts';
import type { ResolvedSpec } from '../resolved-spec.ts';
import type { Step } from '../step.ts';
import { pciAttribute } from '../sysfs/paths.ts';
import { readLinkName } from '../sysfs/read.ts';
import type { SimulatedHost } from '../sysfs/simulated-host.ts';
import { afterBoot } from './after-boot.ts';
import { type BootOp, bootOpOf, type Locator, locatorFor } from './boot-op.ts';
import { type PfIdentity, readIdentity } from './identity.ts';

/** All that brings one PF from the state after a boot to the wanted one, in the stages' own order. */
export interface PfBootPlan {
  readonly identity: PfIdentity;
  readonly vfs: number;
  readonly ops: readonly BootOp[];
}

/**
 * How long a stage that does not say so is waited for, and between two looks, in simulated
 * milliseconds: long enough for all names to come, so that what waits for them stands in the VFs' order.
 */
const settleMs = { usual: 10_000, pause: 2_000 };

/** What has been worked out: it does not change while a run looks again and again. */
const known = new WeakMap<HostView, WeakMap<ResolvedSpec, readonly PfBootPlan[]>>();

/**
 * Runs the stages themselves on a simulation of the host as it is after a boot, and writes down what
 * they do: so what happens at boot cannot drift from what `setup` does. PFs without VFs need nothing.
 */
export const planBoot = async (
  steps: readonly Step[],
  spec: ResolvedSpec,
  view: HostView,
): Promise<readonly PfBootPlan[]> => {
  const before = known.get(view)?.get(spec);
  if (before !== undefined) return before;
  const plans: PfBootPlan[] = [];
  for (const pf of spec.pfs) {
    if (pf.vfs === 0) continue;
    const identity = await readIdentity(view, pf.address);
    // Each PF on a host of its own: a PF that is late is set up without the others.
    const host = await afterBoot(view, pf.address);
    const ops = await runStages(steps, { ...spec, pfs: [pf] }, host, pf.address);
    plans.push({ identity, vfs: pf.vfs, ops });
  }
  const ofView = known.get(view) ?? new WeakMap<ResolvedSpec, readonly PfBootPlan[]>();
  known.set(view, ofView.set(spec, plans));
  return plans;
};

const runStages = async (
  steps: readonly Step[],
  spec: ResolvedSpec,
  host: SimulatedHost,
  pf: string,
): Promise<readonly BootOp[]> => {
  const locator = locatorFor(host.fs, pf);
  const ops: BootOp[] = [];
  for (const step of steps) {
    if ((await step.skip?.(spec, host)) !== undefined) continue;
    ops.push(...(await runStage(step, spec, host, locator)));
  }
  return ops;
};

/** As the engine does it: plan, perform, and plan again until nothing is left to do or to wait for. */
const runStage = async (
  step: Step,
  spec: ResolvedSpec,
  host: SimulatedHost,
  locator: Locator,
): Promise<readonly BootOp[]> => {
  const ops: BootOp[] = [];
  const performed = new Set<string>();
  const deadline = host.now() + (step.settleMs?.(spec) ?? settleMs.usual);
  for (;;) {
    const plan = await step.plan(spec, host);
    const fresh = plan.filter((change) => !performed.has(changeKey(change)));
    for (const change of fresh) {
      ops.push(...(await perform(change, host, locator)));
      performed.add(changeKey(change));
    }
    if (fresh.length > 0) continue;
    const over = host.now() >= deadline;
    if (over && plan.length > 0) throw notForeseen(step, plan);
    if (over || (plan.length === 0 && !(await isPending(step, spec, host)))) return ops;
    await host.wait(settleMs.pause);
  }
};

const perform = async (
  { action }: Change,
  host: SimulatedHost,
  locator: Locator,
): Promise<readonly BootOp[]> => {
  const op = await bootOpOf(action, locator);
  await host.perform(action);
  if (op === undefined) return [];
  if (op.kind !== 'probe') return [op];
  const address = action.kind === 'trigger' ? action.value.trim() : '';
  const driver = await readLinkName(host.fs, pciAttribute(address, 'driver'));
  return [{ ...op, driver: driver ?? '' }];
};

/** Later stages see names and drivers that come after the write, as they would on the real host. */
const isPending = async (step: Step, spec: ResolvedSpec, host: SimulatedHost): Promise<boolean> => {
  for (const check of step.checks ?? []) {
    if (check.severity !== 'error') continue;
    if ((await check.run(spec, host)).status === 'pending') return true;
  }
  return false;
};

const notForeseen = ({ id }: Step, plan: readonly Change[]): SriovctlError =>
  new SriovctlError(
    'BOOT_NOT_FORESEEN',
    `what the stage ${id} does after a boot cannot be worked out: ${plan.map(({ reason }) => reason).join('; ')}`,
    {
      exit: 'failed',
      hint: 'Set nothing up for the next boot with --no-persist, and report this.',
    },
  );
