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
import { type ExitReason, exitCodes } from '../errors.ts';
import type { Host } from '../host.ts';
import { awaitCluster } from '../kube/await-cluster.ts';
import { runDocument } from '../report/json.ts';
import { liveReporter } from '../report/live.ts';
import { outcomeText } from '../report/outcome-text.ts';
import { pfsText } from '../report/pf-text.ts';
import { planText } from '../report/plan-text.ts';
import { wrapped } from '../report/wrap.ts';
import type { ResolvedSpec } from '../resolved-spec.ts';
import { resolveSpec, resolveWithGone } from '../spec/resolve-spec.ts';
import type { Step } from '../step.ts';
import { exportTree } from '../sysfs/export-tree.ts';
import { type NamedPf, readInventory } from '../sysfs/inventory.ts';
import type { VirtualFunction } from '../sysfs/pci-device.ts';
import { exitOf } from './exit.ts';
import { assertRoot, openHost } from './host.ts';
import { onInterrupt } from './interrupt.ts';
import { permissionsOf, type StageFlags } from './options.ts';
import { emit, type OutputFlags, verbosityOf } from './output.ts';
import { simulate } from './simulation.ts';
import type { Streams } from './streams.ts';
import { tracedHost } from './traced-host.ts';
import { type WantedOptions, wantedSpec } from './wanted.ts';

/** What the commands that change a host have in common. */
export interface WritingFlags extends StageFlags, OutputFlags {
  readonly dryRun?: boolean;
  readonly recreate?: boolean;
  readonly force?: boolean;
  readonly forceConflicts?: boolean;
  readonly simulateOut?: string;
  readonly detailedExitcode?: boolean;
}

export interface StageRun {
  readonly command: 'setup' | 'teardown';
  readonly steps: readonly Step[];
  readonly host: Host;
  readonly spec: ResolvedSpec;
  /** Looks at a rehearsal before it is made real, and throws where that must not be. */
  readonly accept?: (rehearsed: Rehearsed) => Promise<void>;
  /** Told the name of the run before its first change. */
  readonly guard?: (runId: string) => Promise<void>;
}

/** The host, and what is wanted of it: what every command on stages begins with. */
export const openRun = async (
  flags: WritingFlags,
  streams: Streams,
  wanted: WantedOptions = {},
): Promise<Pick<StageRun, 'host' | 'spec'>> => {
  assertRoot(flags.simulate);
  const host = await openTraced(flags, streams);
  const resolve = wanted.recorded === true ? resolveWithGone : resolveSpec;
  return { host, spec: await resolve(await wantedSpec(flags, host, wanted), host) };
};

export const openTraced = async (
  { simulate: tree, debug }: Pick<WritingFlags, 'simulate' | 'debug'>,
  { stderr }: Streams,
): Promise<Host> => {
  const host = await openHost(tree);
  return debug === true ? tracedHost(host, (line) => stderr.write(`${line}\n`)) : host;
};

export const runOf = ({ command, steps, spec, host }: StageRun, flags: WritingFlags): Run => ({
  steps,
  spec,
  host,
  direction: command,
  permissions: permissionsOf(flags),
  journal: noJournal,
  listener: () => undefined,
});

/**
 * Rehearses the stages on a simulation of the host, and then makes them real: unless it was asked
 * for the rehearsal alone, or that ended in a refusal or a foretold failure.
 *
 * @returns the exit code.
 */
export const runStages = async (
  stages: StageRun,
  flags: WritingFlags,
  streams: Streams,
): Promise<number> => {
  const { command, steps, host, spec, guard } = stages;
  const run = runOf(stages, flags);
  const tell = (rehearsed: Rehearsed, predicted: boolean): Promise<number> =>
    report({ command, run, predicted, flags }, rehearsed, streams);
  const rehearsed = async (): Promise<Rehearsed> => {
    const rehearsal = await rehearse(run, simulate);
    if (mayProceed(rehearsal.result)) await stages.accept?.(rehearsal);
    return rehearsal;
  };
  if (flags.dryRun === true) return tell(await rehearsed(), true);

  const listener = await liveReporter(
    streams.stderr,
    steps.map(({ id }) => id),
    verbosityOf(flags),
  );
  const session = await openSession(host, command, spec, listener);
  const interrupt = onInterrupt(streams.stderr);
  try {
    if (session.rebooted && steps.some(({ scope }) => scope === 'cluster')) {
      await awaitCluster(spec.kube, host, {
        signal: interrupt.signal,
        tell: (text) => {
          listener({ type: 'notice', text });
        },
      });
    }
    const rehearsal = await rehearsed();
    if (!mayProceed(rehearsal.result)) return await tell(rehearsal, true);
    for (const text of forewarnings(rehearsal.result.steps)) listener({ type: 'notice', text });
    const { signal } = interrupt;
    const { inherited, startJournal } = session;
    await guard?.(session.runId);
    const result = await apply({ ...run, listener, signal, inherited, journal: startJournal() });
    for (const text of divergences(rehearsal.result.steps, result.steps)) {
      listener({ type: 'notice', text: `Other than rehearsed: ${text}` });
    }
    if (session.rebooted && changesNothing(result) && result.outcome === 'reboot-required') {
      listener({ type: 'notice', text: rebootedInVain });
    }
    if (flags.simulateOut !== undefined) await exportTree(host.fs, flags.simulateOut);
    return await tell({ result, host }, false);
  } finally {
    interrupt.dispose();
    session.close();
  }
};

const changesNothing = ({ steps }: Pick<Rehearsed['result'], 'steps'>): boolean =>
  steps.every(({ changes }) => changes.length === 0);

const rebootedInVain =
  'The reboot before this run did not bring it about: the host was started from another boot entry, or by a boot loader that reads another file. See /proc/cmdline.';

/** What a rehearsal or a run ends with; with --detailed-exitcode a foreseen change is code 6. */
export const exitReasonOf = (
  { outcome, steps }: Rehearsed['result'],
  detailed: boolean | undefined,
): ExitReason => {
  const exit = exitOf(outcome);
  const outstanding = !changesNothing({ steps });
  const fine = exit === 'ok' || exit === 'rebootRequired';
  return detailed === true && fine && outstanding ? 'outstanding' : exit;
};

/** The PFs that a run is about, as they are on a host or will be: no simulation knows a random MAC. */
export const wantedPfs = async (
  host: Pick<Host, 'fs' | 'drawnMacs'>,
  { pfs, elsewhere }: ResolvedSpec,
): Promise<readonly NamedPf[]> => {
  if (elsewhere) return [];
  const wanted = new Set(pfs.map(({ address }) => address));
  return (await readInventory(host.fs))
    .filter(({ address }) => wanted.has(address))
    .map((pf) => ({ ...pf, vfs: pf.vfs.map((vf) => withoutDrawnMac(vf, host)) }));
};

const withoutDrawnMac = (
  vf: VirtualFunction,
  { drawnMacs }: Pick<Host, 'drawnMacs'>,
): VirtualFunction => {
  const { mac, ...known } = vf;
  return mac !== undefined && drawnMacs?.has(mac) === true ? { ...known, randomMac: true } : vf;
};

interface Told {
  readonly command: string;
  readonly run: Run;
  readonly predicted: boolean;
  readonly flags: WritingFlags;
}

const report = async (
  { command, run: { spec }, predicted, flags }: Told,
  { result, host }: Rehearsed,
  streams: Streams,
): Promise<number> => {
  const exit = exitReasonOf(result, predicted && flags.detailedExitcode);
  const pfs = await wantedPfs(host, spec);
  const problems = result.steps.flatMap((step) => step.problems);
  const text = flags.output === undefined || flags.output === 'text';
  const told = text && verbosityOf(flags) !== 'quiet';
  if (told && !predicted && streams.stderr.isTTY === true) streams.stderr.write('\n');
  await emit(streams, flags, {
    document: runDocument({ command, ...result, exit, predicted, pfs, problems }),
    texts: {
      text: () =>
        [
          ...(predicted ? [planText(result.steps)] : []),
          ...(pfs.length > 0 && exit !== 'refused' ? [pfsText(pfs, { predicted })] : []),
        ].join('\n'),
    },
  });
  const failed = !['ok', 'outstanding', 'rebootRequired'].includes(exit);
  if (failed || told) {
    streams.stderr.write(wrapped(outcomeText(result, { predicted }), streams.stderr.columns));
  }
  return exitCodes[exit].code;
};
