import { isDeepStrictEqual } from 'node:util';
import type { Permission } from '../change.ts';
import { SriovctlError } from '../errors.ts';
import type { Listener } from '../events.ts';
import type { Host } from '../host.ts';
import type { ResolvedSpec } from '../resolved-spec.ts';
import { bootId } from '../sysfs/paths.ts';
import { readAttribute } from '../sysfs/read.ts';
import type { Journal, JournalEntry } from './journal.ts';
import { noJournal } from './journal.ts';
import { type Lock, type LockOptions, takeLock } from './lock.ts';
import {
  type Continued,
  newRunId,
  type RunRecord,
  readRecords,
  resumeRecord,
  startRecord,
} from './record.ts';
import { recordIfPossible, rollBack } from './rollback.ts';

/** A run's hold on the host: no other run at the same time, and a record of what it does. */
export interface Session {
  /** The name of the record, and what `undo --run` takes back. */
  readonly runId: string;
  /** Whether the run before ended for a reboot, and there has been one. */
  readonly rebooted: boolean;
  /** What a killed run that wanted the same had done before. */
  readonly inherited: readonly JournalEntry[];
  /** Starts the record; called when the rehearsal has gone well, so that a refusal leaves no trace. */
  readonly startJournal: () => Journal;
  readonly close: () => void;
}

/**
 * Takes the lock and deals with a run that was killed: goes on from it if it wanted the same, else
 * takes it back. A simulation needs none of it, nor what is of another node and leaves this host as it is.
 */
export const openSession = async (
  host: Host,
  command: string,
  spec: ResolvedSpec,
  listener: Listener,
): Promise<Session> => {
  const now = new Date();
  const runId = newRunId(now, process.pid);
  if (host.simulated || spec.elsewhere) {
    const startJournal = (): Journal => noJournal;
    return { runId, rebooted: false, inherited: [], startJournal, close: () => undefined };
  }
  const lock = await lockFor(listener);
  try {
    await assertNoneTried(host);
    const boot = await currentBoot(host);
    const continues = await recover(host, { command, spec, boot }, listener);
    const rebooted = rebootedSince(boot, listener);
    const startJournal = (): Journal =>
      startRecord({
        id: runId,
        command,
        startedAt: now.toISOString(),
        bootId: boot,
        spec,
        ...(continues !== undefined && { continues }),
      });
    const inherited = continues?.entries ?? [];
    return { runId, rebooted, inherited, startJournal, close: lock.release };
  } catch (error) {
    // Whoever holds the lock keeps this process from ending.
    lock.release();
    throw error;
  }
};

/** The units of systemd that take back what `sriovctl try` did. One at a time, like the runs themselves. */
export const tryUnit = 'sriovctl-try';

/** @throws SriovctlError TRY_PENDING: what a run builds on must not be taken from below it. */
const assertNoneTried = async ({ fs }: Host): Promise<void> => {
  for (const kind of ['timer', 'service']) {
    if ((await fs.stat(`/run/systemd/transient/${tryUnit}.${kind}`)) === undefined) continue;
    throw new SriovctlError(
      'TRY_PENDING',
      'what `sriovctl try` did is about to be taken back, unless it is confirmed',
      { exit: 'refused', hint: 'Run `sriovctl confirm` or `sriovctl undo` first.' },
    );
  }
};

export interface UndoOptions {
  /** This run and no other; the last one that was not taken back yet, if left out. */
  readonly runId?: string;
  /** How many seconds to wait for a run under way. */
  readonly waitSeconds?: number;
  readonly permissions?: ReadonlySet<Permission>;
}

/** Takes back a recorded run; `undefined` if there is none to take back. */
export const undoRun = async (
  host: Host,
  listener: Listener,
  { runId, permissions = new Set(), ...wait }: UndoOptions = {},
): Promise<{ readonly record: RunRecord; readonly leftover: readonly string[] } | undefined> => {
  const lock = await lockFor(listener, wait);
  try {
    const record = readRecords().findLast(
      ({ id, outcome, entries }) =>
        (runId === undefined || id === runId) &&
        outcome !== 'undone' &&
        outcome !== 'continued' &&
        entries.length > 0,
    );
    if (record === undefined) return undefined;
    const boot = await currentBoot(host);
    return { record, leftover: await takeBack({ host, record, boot, listener, permissions }) };
  } finally {
    lock.release();
  }
};

const lockFor = (listener: Listener, wait: LockOptions = {}): Promise<Lock> =>
  takeLock({
    ...wait,
    onBootScript: () => {
      listener({
        type: 'notice',
        text: 'The script that makes VFs at boot is at work; this run comes after it.',
      });
    },
  });

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

const currentBoot = async ({ fs }: Host): Promise<string> =>
  (await readAttribute(fs, bootId)) ?? 'unknown';

interface Asked {
  readonly command: string;
  readonly spec: ResolvedSpec;
  readonly boot: string;
}

const recover = async (
  host: Host,
  { command, spec, boot }: Asked,
  listener: Listener,
): Promise<Continued | undefined> => {
  const killed = readRecords().findLast(({ outcome }) => outcome === undefined);
  if (killed === undefined) return undefined;
  const when = `The ${killed.command} of ${killed.startedAt} was killed`;
  const same =
    killed.command === command && isDeepStrictEqual(killed.spec, JSON.parse(JSON.stringify(spec)));
  if (same) {
    listener({ type: 'notice', text: `${when}; this one goes on from where it was.` });
    const entries = undoable(killed, boot).map((entry, seq) => ({ ...entry, seq }));
    return { id: killed.id, entries };
  }
  listener({ type: 'notice', text: `${when} and wanted something else; it is taken back first.` });
  const leftover = await takeBack({ host, record: killed, boot, listener, permissions: new Set() });
  for (const what of leftover) listener({ type: 'notice', text: `Left as it is: ${what}` });
  return undefined;
};

interface TakingBack {
  readonly host: Host;
  readonly record: RunRecord;
  /** The boot that the host is in. */
  readonly boot: string;
  readonly listener: Listener;
  readonly permissions: ReadonlySet<Permission>;
}

/** What is left stays in the record, for another try when the obstacle is gone. */
const takeBack = async ({
  record,
  boot,
  listener,
  ...rest
}: TakingBack): Promise<readonly string[]> => {
  const entries = undoable(record, boot);
  if (entries.length < record.entries.length) {
    const text = `The host has been booted since: of what the ${record.command} did, only files, objects and kernel arguments are taken back.`;
    listener({ type: 'notice', text });
  }
  let journal = noJournal;
  recordIfPossible(listener, () => {
    journal = resumeRecord(record);
  });
  const leftover = await rollBack({ ...rest, listener, journal, entries });
  recordIfPossible(listener, () => {
    journal.ended(leftover.length === 0 ? 'undone' : 'rollback-incomplete', leftover);
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
