import { isDeepStrictEqual } from 'node:util';
import type { Listener } from '../events.ts';
import type { Host } from '../host.ts';
import type { ResolvedSpec } from '../resolved-spec.ts';
import { bootId } from '../sysfs/paths.ts';
import { readAttribute } from '../sysfs/read.ts';
import type { Journal, JournalEntry } from './journal.ts';
import { noJournal } from './journal.ts';
import { type Lock, takeLock } from './lock.ts';
import { closeRecord, newRunId, type RunRecord, readRecords, startRecord } from './record.ts';
import { recordIfPossible, rollBack } from './rollback.ts';

/** A run's hold on the host: no other run at the same time, and a record of what it does. */
export interface Session {
  /** The name of the record, and what `undo --run` takes back. */
  readonly runId: string;
  /** Whether the run before ended for a reboot, and there has been one. */
  readonly rebooted: boolean;
  /** What a killed run with the same spec had done before. */
  readonly inherited: readonly JournalEntry[];
  /** Starts the record; called when the rehearsal has gone well, so that a refusal leaves no trace. */
  readonly startJournal: () => Journal;
  readonly close: () => void;
}

/**
 * Takes the lock and deals with a run that was killed: goes on from it if it wanted the same, else
 * takes it back. A simulation needs none of it.
 */
export const openSession = async (
  host: Host,
  command: string,
  spec: ResolvedSpec,
  listener: Listener,
): Promise<Session> => {
  const now = new Date();
  const runId = newRunId(now, process.pid);
  if (host.simulated) {
    const startJournal = (): Journal => noJournal;
    return { runId, rebooted: false, inherited: [], startJournal, close: () => undefined };
  }
  const lock = await takeLock();
  const boot = (await readAttribute(host.fs, bootId)) ?? 'unknown';
  const inherited = await recover(host, spec, boot, listener);
  const rebooted = rebootedSince(boot, listener);
  const startJournal = (): Journal => {
    const journal = startRecord({
      id: runId,
      command,
      startedAt: now.toISOString(),
      bootId: boot,
      spec,
    });
    for (const entry of inherited) {
      journal.begun(entry);
      journal.done(entry.seq);
    }
    return journal;
  };
  return { runId, rebooted, inherited, startJournal, close: lock.release };
};

export interface UndoOptions {
  /** This run and no other; the last one that was not taken back yet, if left out. */
  readonly runId?: string;
  /** How many seconds to wait for a run under way. */
  readonly waitSeconds?: number;
}

/** Takes back a recorded run; `undefined` if there is none to take back. */
export const undoRun = async (
  host: Host,
  listener: Listener,
  { runId, ...wait }: UndoOptions = {},
): Promise<{ readonly record: RunRecord; readonly leftover: readonly string[] } | undefined> => {
  const lock: Lock = await takeLock(wait);
  try {
    const record = readRecords().findLast(
      ({ id, outcome, entries }) =>
        (runId === undefined || id === runId) &&
        outcome !== 'undone' &&
        outcome !== 'continued' &&
        entries.length > 0,
    );
    if (record === undefined) return undefined;
    const boot = (await readAttribute(host.fs, bootId)) ?? 'unknown';
    return { record, leftover: await takeBack(host, record, boot, listener) };
  } finally {
    lock.release();
  }
};

/** A run that ends for a reboot has recorded in which boot that was. */
const rebootedSince = (boot: string, listener: Listener): boolean => {
  const last = readRecords().at(-1);
  if (last?.outcome !== 'reboot-required') return false;
  const rebooted = last.bootId !== boot;
  const since = `since the run of ${last.startedAt}, which ended for a reboot`;
  listener({
    type: 'notice',
    text: rebooted
      ? `This host was rebooted ${since}; this run goes on from there.`
      : `This host was not rebooted ${since}.`,
  });
  return rebooted;
};

const recover = async (
  host: Host,
  spec: ResolvedSpec,
  boot: string,
  listener: Listener,
): Promise<readonly JournalEntry[]> => {
  const killed = readRecords().findLast(({ outcome }) => outcome === undefined);
  if (killed === undefined) return [];
  const when = `The run of ${killed.startedAt} was killed`;
  if (isDeepStrictEqual(killed.spec, JSON.parse(JSON.stringify(spec)))) {
    listener({ type: 'notice', text: `${when}; this one goes on from where it was.` });
    closeRecord(killed, 'continued');
    return undoable(killed, boot).map((entry, seq) => ({ ...entry, seq }));
  }
  listener({ type: 'notice', text: `${when} and wanted something else; it is taken back first.` });
  await takeBack(host, killed, boot, listener);
  return [];
};

const takeBack = async (
  host: Host,
  record: RunRecord,
  boot: string,
  listener: Listener,
): Promise<readonly string[]> => {
  const undone: number[] = [];
  const journal: Journal = { ...noJournal, undone: (seq) => undone.push(seq) };
  const leftover = await rollBack({ host, journal, listener, entries: undoable(record, boot) });
  recordIfPossible(listener, () => {
    closeRecord(record, 'undone', undone);
  });
  return leftover;
};

/** After another boot the kernel's state is new; only what is on disk or in a cluster is still there. */
const undoable = ({ entries, bootId: then }: RunRecord, now: string): readonly JournalEntry[] =>
  then === now
    ? entries
    : entries.filter(({ change }) =>
        ['file', 'remove', 'regenerate', 'object', 'command'].includes(change.action.kind),
      );
