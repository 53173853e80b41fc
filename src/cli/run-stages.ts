import { apply } from '../engine/apply.ts';
import { noJournal } from '../engine/journal.ts';
import type { Run } from '../engine/run.ts';
import { openSession } from '../engine/session.ts';
import {
  divergences,
  forewarnings,
  mayProceed,
  type Rehearsed,
  rehearse,
} from '../engine/setup.ts';
import { exitCodes } from '../errors.ts';
import { runJson } from '../report/json.ts';
import { liveReporter } from '../report/live.ts';
import { outcomeText } from '../report/outcome-text.ts';
import { pfsText } from '../report/pf-text.ts';
import { planText } from '../report/plan-text.ts';
import { resolveSpec } from '../spec/node-spec.ts';
import type { NodeSpec } from '../spec/node-spec.ts';
import type { Step } from '../step.ts';
import { exportTree } from '../sysfs/export-tree.ts';
import { readInventory } from '../sysfs/inventory.ts';
import { assertRoot, openHost, simulate } from './host.ts';
import { exitOf } from './exit.ts';
import { onInterrupt } from './interrupt.ts';
import { permissionsOf, type StageFlags } from './options.ts';
import type { Streams } from './streams.ts';

/** What the commands that change a host have in common. */
export interface WritingFlags extends StageFlags {
  readonly dryRun?: boolean;
  readonly recreate?: boolean;
  readonly force?: boolean;
  readonly simulateOut?: string;
}

export interface StageRun {
  readonly command: 'setup' | 'teardown';
  readonly steps: readonly Step[];
  readonly spec: NodeSpec;
}

/**
 * Rehearses the stages on a simulation of the host, and then makes them real: unless it was asked
 * for the rehearsal alone, or that ended in a refusal or a foretold failure.
 *
 * @returns the exit code.
 */
export const runStages = async (
  { command, steps, spec: nodeSpec }: StageRun,
  flags: WritingFlags,
  streams: Streams,
): Promise<number> => {
  assertRoot(flags.simulate);
  const host = openHost(flags.simulate);
  const spec = await resolveSpec(nodeSpec, host);
  const run: Run = {
    steps,
    spec,
    host,
    direction: command,
    permissions: permissionsOf(flags),
    journal: noJournal,
    listener: () => undefined,
  };
  const tell = (rehearsed: Rehearsed, predicted: boolean): Promise<number> =>
    report({ command, run, predicted, json: flags.json === true }, rehearsed, streams);
  if (flags.dryRun === true) return tell(await rehearse(run, simulate), true);

  const listener = liveReporter(
    streams.stderr,
    steps.map(({ id }) => id),
  );
  const session = await openSession(host, command, spec, listener);
  const interrupt = onInterrupt(streams.stderr);
  try {
    const rehearsal = await rehearse(run, simulate);
    if (!mayProceed(rehearsal.result)) return await tell(rehearsal, true);
    for (const text of forewarnings(rehearsal.result.steps)) listener({ type: 'notice', text });
    const { signal } = interrupt;
    const { inherited, startJournal } = session;
    const result = await apply({ ...run, listener, signal, inherited, journal: startJournal() });
    for (const text of divergences(rehearsal.result.steps, result.steps)) {
      listener({ type: 'notice', text: `Other than rehearsed: ${text}` });
    }
    if (flags.simulateOut !== undefined) await exportTree(host.fs, flags.simulateOut);
    return await tell({ result, host }, false);
  } finally {
    interrupt.dispose();
    session.close();
  }
};

interface Told {
  readonly command: string;
  readonly run: Run;
  readonly predicted: boolean;
  readonly json: boolean;
}

const report = async (
  { command, run: { spec }, predicted, json }: Told,
  { result, host }: Rehearsed,
  streams: Streams,
): Promise<number> => {
  const exit = exitOf(result.outcome);
  const wanted = new Set(spec.pfs.map(({ address }) => address));
  const pfs = (await readInventory(host.fs)).filter(({ address }) => wanted.has(address));
  const problems = result.steps.flatMap((step) => step.problems);
  if (json) {
    streams.stdout.write(runJson({ command, ...result, exit, predicted, pfs, problems }));
  } else {
    if (predicted) streams.stdout.write(planText(result.steps));
    if (pfs.length > 0) streams.stdout.write(`\n${pfsText(pfs, { predicted })}`);
    streams.stderr.write(outcomeText(result, { predicted }));
  }
  return exitCodes[exit].code;
};
