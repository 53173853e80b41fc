import type { MadeChange, Outcome, StepReport } from '../events.ts';
import type { Step } from '../step.ts';
import { beforeText, captureBefore } from './before.ts';
import { failuresOf, type Look, type RunResult, runChecks } from './run.ts';
import { asFailure } from './step-failure.ts';

/**
 * Looks, and changes nothing: what a stage would still plan is drift, and a check that waits has
 * failed. Every stage is looked at, also after one has failed.
 */
export const verify = async (look: Look): Promise<RunResult> => {
  const steps: StepReport[] = [];
  for (const step of look.steps) {
    if ((await step.asked?.(look.spec, look.host)) === false) continue;
    look.listener({ type: 'step-started', step });
    const report = await verifyStep(look, step);
    steps.push(report);
    look.listener({ type: 'step-finished', report });
  }
  const outcome = outcomeOf(steps);
  look.listener({ type: 'run-finished', outcome });
  return { outcome, steps, leftover: [] };
};

/** Drift is known whatever else could not be looked at. */
const outcomeOf = (steps: readonly StepReport[]): Outcome => {
  const some = (...wanted: readonly StepReport['status'][]): boolean =>
    steps.some(({ status }) => wanted.includes(status));
  if (some('drifted', 'reboot-required')) return 'drifted';
  return some('failed') ? 'unknown' : 'in-sync';
};

const verifyStep = async (look: Look, step: Step): Promise<StepReport> => {
  const { id, title, scope } = step;
  const empty = { step: { id, title, scope }, changes: [], checks: [], problems: [] };
  try {
    const because = await step.skip?.(look.spec, look.host);
    return because === undefined
      ? { ...empty, ...(await findings(look, step)) }
      : { ...empty, status: 'skipped', because };
  } catch (error) {
    return { ...empty, status: 'failed', problems: asFailure(step, error).problems };
  }
};

const findings = async (
  { spec, host }: Look,
  step: Step,
): Promise<Pick<StepReport, 'status' | 'changes' | 'checks' | 'problems'>> => {
  const changes: MadeChange[] = [];
  for (const change of await step.plan(spec, host)) {
    const before = beforeText(await captureBefore(host, change));
    changes.push({ change, ...(before !== undefined && { before }) });
  }
  const checks = await runChecks([...(step.preflight ?? []), ...(step.checks ?? [])], spec, host);
  const problems = failuresOf(checks);
  const waiting = checks.some(
    ({ check, result }) => result.status === 'pending' && check.severity === 'error',
  );
  const reboot = checks.some(({ result }) => result.status === 'reboot');
  const drifted = changes.length > 0 || waiting || problems.length > 0;
  const status = drifted ? 'drifted' : reboot ? 'reboot-required' : 'in-sync';
  return { status, changes, checks, problems };
};
