import type { MadeChange, Outcome, StepReport } from '../events.ts';
import type { Step } from '../step.ts';
import { beforeText, captureBefore } from './before.ts';
import { failuresOf, type Look, type RunResult, runChecks } from './run.ts';

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
  const outcome: Outcome = steps.some(
    ({ status }) => status === 'drifted' || status === 'reboot-required',
  )
    ? 'drifted'
    : 'in-sync';
  look.listener({ type: 'run-finished', outcome });
  return { outcome, steps, leftover: [] };
};

const verifyStep = async ({ spec, host }: Look, step: Step): Promise<StepReport> => {
  const { id, title, scope } = step;
  const empty = { step: { id, title, scope }, changes: [], checks: [], problems: [] };
  const because = await step.skip?.(spec, host);
  if (because !== undefined) return { ...empty, status: 'skipped', because };
  const changes: MadeChange[] = [];
  for (const change of await step.plan(spec, host)) {
    const before = beforeText(await captureBefore(host, change));
    changes.push({ change, ...(before !== undefined && { before }) });
  }
  const checks = await runChecks([...(step.preflight ?? []), ...(step.checks ?? [])], spec, host);
  const waiting = checks.some(
    ({ check, result }) => result.status === 'pending' && check.severity === 'error',
  );
  const reboot = checks.some(({ result }) => result.status === 'reboot');
  const drifted = changes.length > 0 || waiting || failuresOf(checks).length > 0;
  const status = drifted ? 'drifted' : reboot ? 'reboot-required' : 'in-sync';
  return { ...empty, status, changes, checks, problems: failuresOf(checks) };
};
