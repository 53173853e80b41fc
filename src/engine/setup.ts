import { changeKey } from '../change.ts';
import { type Outcome, type StepReport, warningsOf } from '../events.ts';
import type { Host } from '../host.ts';
import { pfOfNumvfs } from '../sysfs/paths.ts';
import { apply } from './apply.ts';
import { noJournal } from './journal.ts';
import { notRestored } from './not-restored.ts';
import type { Run, RunResult } from './run.ts';

export interface Rehearsed {
  readonly result: RunResult;
  /** The simulation after the rehearsal: what the host will be. */
  readonly host: Host;
}

/**
 * The very same run on a simulation of the host: nothing is written, and no time passes. A failure
 * in it is a failure foretold, and so a refusal.
 */
export const rehearse = async (run: Run, simulate: (host: Host) => Host): Promise<Rehearsed> => {
  const host = simulate(run.host);
  const result = await apply({ ...run, host, journal: noJournal });
  const foretold = result.outcome === 'rolled-back' || result.outcome === 'rollback-incomplete';
  return { host, result: foretold ? { ...result, outcome: 'refused', leftover: [] } : result };
};

/** Whether a rehearsal ended in a way that a real run may follow. */
export const mayProceed = ({ outcome }: RunResult): boolean =>
  (['in-sync', 'applied', 'reboot-required'] satisfies Outcome[] as Outcome[]).includes(outcome);

/** What a user should know before the first write: what stops working, and who else manages the host. */
export const forewarnings = (steps: readonly StepReport[]): readonly string[] => {
  const disruptions = steps.flatMap(({ changes }) =>
    changes.flatMap(({ change: { disrupts } }) => (disrupts === undefined ? [] : [disrupts])),
  );
  return [
    ...[...new Set(disruptions)].map((text) => `This disrupts: ${text}`),
    ...(steps.some(removesVfs) ? [`An undo will not bring back ${goneWithVfs.join('; ')}.`] : []),
    ...warningsOf(steps).map(({ problem, hint }) => `Warning: ${problem}. ${hint}`),
  ];
};

const goneWithVfs = notRestored.flatMap(({ what, goesWithVfs }) => (goesWithVfs ? [what] : []));

const removesVfs = ({ changes }: StepReport): boolean =>
  changes.some(
    ({ change: { action }, before }) =>
      action.kind === 'attribute' && pfOfNumvfs(action.path) !== undefined && before !== '0',
  );

/** Where a run did other than its rehearsal said, in words; a difference is worth a report. */
export const divergences = (
  rehearsal: readonly StepReport[],
  real: readonly StepReport[],
): readonly string[] =>
  real.flatMap((report) => {
    const expected = rehearsal.find(({ step }) => step.id === report.step.id);
    if (report.status === 'failed' || expected === undefined) return [];
    const foretold = new Set(expected.changes.map(({ change }) => changeKey(change)));
    const made = new Set(report.changes.map(({ change }) => changeKey(change)));
    return [
      ...[...made].filter((key) => !foretold.has(key)).map((key) => `not foretold: ${key}`),
      ...[...foretold]
        .filter((key) => !made.has(key))
        .map((key) => `foretold but not needed: ${key}`),
    ].map((difference) => `${report.step.id}: ${difference}`);
  });
