import { type Change, changeKey, requirementsOf } from '../change.ts';
import type { Check } from '../check.ts';
import { HostError } from '../errors.ts';
import type { CheckReport, MadeChange, Outcome, Problem, StepReport } from '../events.ts';
import type { Step } from '../step.ts';
import { describeAction } from '../sysfs/describe-action.ts';
import { beforeText, captureBefore } from './before.ts';
import type { JournalEntry } from './journal.ts';
import { recordIfPossible, rollBack, stuckWrite } from './rollback.ts';
import { failuresOf, type Run, type RunResult, runChecks } from './run.ts';
import { asFailure, StepFailure } from './step-failure.ts';
import { watched } from './watch.ts';

const defaultSettleMs = 10_000;
/** How long to wait between two looks at the host, in milliseconds; the first waits are short. */
const pollMs = { first: 20, most: 500 };

/** What has been done so far in a run, for its report and for its rollback. */
interface Progress {
  readonly entries: JournalEntry[];
  made: MadeChange[];
  checks: readonly CheckReport[];
}

/**
 * Brings the host to the wanted state, stage by stage: plan, perform, plan again until plan and
 * checks are clean or the stage's deadline is over. A failure takes back what this run did.
 */
export const apply = async (run: Run): Promise<RunResult> => {
  const progress: Progress = { entries: [...(run.inherited ?? [])], made: [], checks: [] };
  const reports: StepReport[] = [];
  let failure: StepFailure | undefined;
  let rebootNeeded: string | undefined;

  for (const step of run.steps) {
    progress.made = [];
    progress.checks = [];
    try {
      if ((await step.asked?.(run.spec, run.host)) === false) continue;
      run.listener({ type: 'step-started', step });
      const because =
        rebootNeeded !== undefined && step.runsBeforeReboot !== true
          ? `waits for the reboot (${rebootNeeded})`
          : await step.skip?.(run.spec, run.host, run.direction);
      const report =
        because === undefined ? await applyStep(run, step, progress) : skipped(step, because);
      reports.push(report);
      rebootNeeded ??= rebootReason(report);
    } catch (error) {
      failure = asFailure(step, error);
      reports.push(reportOf(step, failure.status, progress, failure.problems));
    }
    run.listener({ type: 'step-finished', report: reports.at(-1) as StepReport });
    if (failure !== undefined) break;
  }
  return finish(run, reports, progress, failure);
};

const applyStep = async (run: Run, step: Step, progress: Progress): Promise<StepReport> => {
  const warnings = run.direction === 'setup' ? await preflight(run, step) : [];
  await converge(run, step, progress);
  progress.checks = [...warnings, ...progress.checks];
  const reboot = progress.checks.some(({ result }) => result.status === 'reboot');
  const status = reboot ? 'reboot-required' : progress.made.length > 0 ? 'changed' : 'in-sync';
  return reportOf(step, status, progress);
};

/** Refuses the run when a check before the first write fails; the failures of mere warnings are told. */
const preflight = async ({ spec, host }: Run, step: Step): Promise<readonly CheckReport[]> => {
  const reports = await runChecks(step.preflight ?? [], spec, host);
  const problems = failuresOf(reports);
  if (problems.length > 0) throw new StepFailure('refused', problems);
  return reports.filter(({ result }) => result.status === 'fail');
};

/** Deadlines, never counts of tries; and no change of one kind and target twice. */
const converge = async (run: Run, step: Step, progress: Progress): Promise<void> => {
  const { spec, host } = run;
  const settleMs = step.settleMs?.(spec) ?? defaultSettleMs;
  let deadline = host.now() + settleMs;
  const performed = new Set<string>();
  let pause = pollMs.first;
  for (;;) {
    throwIfInterrupted(run);
    const plan = await planOf(run, step);
    const fresh = plan.filter((change) => !performed.has(changeKey(change)));
    // Was what this stage has just made short of what it asked for, the checks tell why.
    if (performed.size > 0 && fresh.some((change) => requirementsOf(change).length > 0)) {
      await check(run, step, progress);
    }
    assertPermitted(run, fresh);
    for (const change of fresh) {
      throwIfInterrupted(run);
      await perform(run, step, change, progress);
      performed.add(changeKey(change));
    }
    if (fresh.length > 0) {
      deadline = host.now() + settleMs;
      continue;
    }

    await check(run, step, progress);
    const awaited = awaitedOf(plan, progress.checks);
    if (awaited === undefined) {
      // What the plan left for later may have become possible while the checks were looking.
      if (performed.size === 0 || (await planOf(run, step)).length === 0) return;
      continue;
    }
    if (host.now() >= deadline) {
      if (awaited.severity === 'warning') return;
      throw new StepFailure('failed', [timedOut(awaited.what)]);
    }
    run.listener({ type: 'waiting', stepId: step.id, awaited: awaited.what });
    await host.wait(pause);
    pause = Math.min(pause * 2, pollMs.most);
  }
};

const check = async (
  { direction, spec, host }: Run,
  step: Step,
  progress: Progress,
): Promise<void> => {
  progress.checks = direction === 'setup' ? await runChecks(step.checks ?? [], spec, host) : [];
  const problems = failuresOf(progress.checks);
  if (problems.length > 0) throw new StepFailure('failed', problems);
};

const planOf = (run: Run, step: Step): Promise<readonly Change[]> =>
  run.direction === 'setup'
    ? step.plan(run.spec, run.host)
    : (step.teardown?.(run.spec, run.host) ?? Promise.resolve([]));

const assertPermitted = ({ permissions }: Run, changes: readonly Change[]): void => {
  const problems = changes
    .flatMap(requirementsOf)
    .filter(({ permission }) => !permissions.has(permission))
    .map(({ permission, problem, hint }) => {
      return { code: `NEEDS_${permission.toUpperCase()}`, problem, hint };
    });
  if (problems.length > 0) throw new StepFailure('refused', problems);
};

const perform = async (run: Run, step: Step, change: Change, progress: Progress): Promise<void> => {
  const { host, journal, listener } = run;
  listener({ type: 'change-started', stepId: step.id, change });
  const before = await captureBefore(host, change);
  const entry: JournalEntry = {
    seq: progress.entries.length,
    stepId: step.id,
    scope: step.scope,
    change,
    before,
  };
  journal.begun(entry);
  progress.entries.push(entry);
  try {
    await watched(run, step, change, host.perform(change.action));
  } catch (error) {
    throw error instanceof HostError ? await explained(run, step, change, error) : error;
  }
  journal.done(entry.seq);
  const text = beforeText(before);
  const made: MadeChange = { change, ...(text !== undefined && { before: text }) };
  progress.made.push(made);
  listener({ type: 'change-made', stepId: step.id, made });
};

const explained = async (
  { spec, host }: Run,
  step: Step,
  change: Change,
  error: HostError,
): Promise<StepFailure> => {
  const what = describeAction(change.action);
  const known = await step.explain?.(error, change, spec, host);
  const stuck = stuckWrite(change.action, error);
  if (stuck !== undefined) {
    const problem = `${what}: the kernel is still working on it`;
    const hint =
      'Nothing more is written to PCI functions. See `dmesg`; run the command again when the write has ended.';
    const running = known ?? { code: 'WRITE_STILL_RUNNING', problem, hint };
    return new StepFailure('failed', [running], stuck);
  }
  return new StepFailure('failed', [
    known ?? {
      code: `HOST_${error.errno}`,
      problem: `${what}: ${error.message}`,
      hint: 'The end of `dmesg` may tell more.',
    },
  ]);
};

const throwIfInterrupted = ({ signal }: Run): void => {
  if (signal?.aborted === true) {
    const hint = 'Run the same command again to go on.';
    throw new StepFailure('failed', [{ code: 'INTERRUPTED', problem: 'interrupted', hint }]);
  }
};

/** What the run waits for: a check's own words, or a change that has not shown its effect yet. */
const awaitedOf = (
  plan: readonly Change[],
  checks: readonly CheckReport[],
): { readonly what: string; readonly severity: Check['severity'] } | undefined => {
  const [change] = plan;
  if (change !== undefined) {
    return { what: `the effect of ${describeAction(change.action)}`, severity: 'error' };
  }
  const pending = checks.flatMap(({ check, result }) =>
    result.status === 'pending' ? [{ what: result.awaited, severity: check.severity }] : [],
  );
  return pending.find(({ severity }) => severity === 'error') ?? pending[0];
};

const timedOut = (awaited: string): Problem => ({
  code: 'TIMED_OUT',
  problem: `Timed out waiting for ${awaited}.`,
  hint: 'The end of `dmesg` and `journalctl -b -u systemd-udevd` may tell why.',
});

const rebootReason = ({ status, checks }: StepReport): string | undefined => {
  if (status !== 'reboot-required') return undefined;
  for (const { result } of checks) if (result.status === 'reboot') return result.because;
  return undefined;
};

const skipped = (step: Step, because: string): StepReport => ({
  ...reportOf(step, 'skipped', { entries: [], made: [], checks: [] }),
  because,
});

const reportOf = (
  { id, title, scope }: Step,
  status: StepReport['status'],
  { made, checks }: Progress,
  problems: readonly Problem[] = [],
): StepReport => ({ step: { id, title, scope }, status, changes: made, checks, problems });

/** A failing cluster stage takes back its own objects only: the host stays as it was set up. */
const finish = async (
  run: Run,
  steps: readonly StepReport[],
  { entries }: Progress,
  failure: StepFailure | undefined,
): Promise<RunResult> => {
  const failedScope = steps.at(-1)?.step.scope;
  const toUndo =
    failure === undefined
      ? []
      : failedScope === 'cluster'
        ? entries.filter(({ scope }) => scope === 'cluster')
        : entries;
  const leftover =
    toUndo.length === 0
      ? []
      : await rollBack({
          ...run,
          entries: toUndo,
          ...(failure?.stuck !== undefined && { stuck: failure.stuck }),
        });
  const outcome = outcomeOf(steps, failure, toUndo.length, leftover);
  recordIfPossible(run.listener, () => {
    run.journal.ended(outcome, leftover);
  });
  run.listener({ type: 'run-finished', outcome });
  return { outcome, steps, leftover };
};

const outcomeOf = (
  steps: readonly StepReport[],
  failure: StepFailure | undefined,
  undone: number,
  leftover: readonly string[],
): Outcome => {
  if (leftover.length > 0) return 'rollback-incomplete';
  if (failure?.problems.some(({ code }) => code === 'INTERRUPTED') === true) return 'interrupted';
  if (failure !== undefined)
    return failure.status === 'refused' && undone === 0 ? 'refused' : 'rolled-back';
  if (steps.some(({ status }) => status === 'reboot-required')) return 'reboot-required';
  return steps.some(({ status }) => status === 'changed') ? 'applied' : 'in-sync';
};
