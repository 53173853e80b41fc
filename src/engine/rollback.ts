import { isDeepStrictEqual } from 'node:util';
import type { Permission } from '../change.ts';
import { HostError, SriovctlError } from '../errors.ts';
import type { Listener } from '../events.ts';
import type { Action, Host, HostPath } from '../host.ts';
import { describeAction } from '../sysfs/describe-action.ts';
import { holds } from '../sysfs/holds.ts';
import { describeUses, usesTakenBy } from '../sysfs/owners/uses.ts';
import { pfOfNumvfs } from '../sysfs/paths.ts';
import { type Fingerprints, fingerprints, undoActions } from './before.ts';
import type { Journal, JournalEntry } from './journal.ts';
import { restoringVfs } from './removed-vfs.ts';

/** A write below /sys that outlived its deadline: the kernel still holds locks for it. */
export interface StuckWrite {
  readonly path: string;
}

/** The write that an error says to be still under way. */
export const stuckWrite = (action: Action, error: unknown): StuckWrite | undefined =>
  error instanceof HostError &&
  error.errno === 'ETIMEDOUT' &&
  (action.kind === 'attribute' || action.kind === 'trigger')
    ? { path: action.path }
    : undefined;

export interface Rollback {
  readonly host: Host;
  readonly journal: Journal;
  readonly listener: Listener;
  /** In the order they were made. */
  readonly entries: readonly JournalEntry[];
  readonly stuck?: StuckWrite;
  /** Without `force` nobody's VF is taken away to get back to the state before. */
  readonly permissions?: ReadonlySet<Permission>;
}

/**
 * Takes changes back, last first, over the state that can be read: what already is as it was is
 * left alone, so that an entry begun but never done needs no special case. Generators run once
 * more after what they read is restored.
 *
 * @returns what could not be taken back, in words; empty after a complete rollback.
 */
export const rollBack = async (rollback: Rollback): Promise<readonly string[]> => {
  const { entries, journal, listener } = rollback;
  listener({ type: 'rollback-started', count: entries.length });
  const attempt: Attempt = { ...rollback, stuck: rollback.stuck };
  const leftover: string[] = [];
  const undo = async (
    some: readonly JournalEntry[],
    how: (attempt: Attempt, entry: JournalEntry) => Promise<readonly string[]>,
  ): Promise<void> => {
    for (const entry of some) {
      const failures = await how(attempt, entry);
      if (failures.length === 0) {
        recordIfPossible(listener, () => {
          journal.undone(entry.seq);
        });
      }
      leftover.push(...failures);
    }
  };
  await undo(entries.filter((entry) => !isGenerator(entry)).toReversed(), undoEntry);
  await undo(entries.filter(isGenerator), regenerate);
  return leftover;
};

/** The host comes first: what cannot be recorded (the disk is full) must not end a rollback. */
export const recordIfPossible = (listener: Listener, record: () => void): void => {
  try {
    record();
  } catch (error) {
    if (!(error instanceof SriovctlError)) throw error;
    listener({ type: 'notice', text: `${error.message}. The next run looks at this one again.` });
  }
};

/** A rollback under way. */
interface Attempt extends Omit<Rollback, 'stuck'> {
  stuck: StuckWrite | undefined;
}

const isGenerator = ({ change }: JournalEntry): boolean => change.action.kind === 'regenerate';

const undoEntry = async (
  attempt: Attempt,
  { change, before }: JournalEntry,
): Promise<readonly string[]> => {
  const failures = await performAll(attempt, undoActions(change, before));
  const pf =
    before.kind === 'vfs' && 'path' in change.action ? pfOfNumvfs(change.action.path) : undefined;
  if (failures.length > 0 || before.kind !== 'vfs' || pf === undefined) return failures;
  try {
    return await performAll(attempt, await restoringVfs(attempt.host, pf, before.removed));
  } catch (error) {
    return [failed(attempt, `the VFs of ${pf} as they were`, error)];
  }
};

/** @returns what did not succeed, in words. */
const performAll = async (
  attempt: Attempt,
  actions: readonly Action[],
): Promise<readonly string[]> => {
  const { host, listener } = attempt;
  const failures: string[] = [];
  for (const action of actions) {
    const what = describeAction(action);
    try {
      const obstacle = await obstacleTo(attempt, action);
      if (obstacle === 'holds') continue;
      if (obstacle !== undefined) {
        failures.push(`${what}: not tried, ${obstacle}`);
        continue;
      }
      await host.perform(action);
      listener({ type: 'rolled-back', what });
    } catch (error) {
      attempt.stuck ??= stuckWrite(action, error);
      failures.push(failed(attempt, what, error));
    }
  }
  return failures;
};

/** Why an action is not performed, in words; `holds` where it need not be. */
const obstacleTo = async (
  { host, stuck, permissions }: Attempt,
  action: Action,
): Promise<string | undefined> => {
  if (stuck !== undefined && waitsFor(action)) {
    return `the kernel is still working on ${stuck.path}`;
  }
  if ((await holds(host, action)) === true) return 'holds';
  const uses = permissions?.has('force') === true ? [] : await usesTakenBy(host, action);
  return uses.length === 0 ? undefined : `in use are ${describeUses(uses).join('; ')}`;
};

/**
 * A write that does not end holds the lock of its function, and a removal of VFs that of all removals
 * (pci_lock_rescan_remove): whatever is written to a function then may wait behind it.
 */
const waitsFor = (action: Action): boolean =>
  action.kind === 'eswitch' || ('path' in action && action.path.startsWith('/sys/bus/pci/'));

const failed = ({ listener }: Attempt, what: string, error: unknown): string => {
  const why = error instanceof Error ? error.message : String(error);
  listener({ type: 'rollback-failed', what, why });
  return `${what}: ${why}`;
};

/** Runs a generator of the run again, unless what it makes is as it was. */
const regenerate = async (
  attempt: Attempt,
  { change, before }: JournalEntry,
): Promise<readonly string[]> => {
  const { host, listener } = attempt;
  const what = describeAction(change.action);
  try {
    if (before.kind === 'generated' && (await isAsBefore(host, before.files))) return [];
    await host.perform(change.action);
    listener({ type: 'rolled-back', what });
    return [];
  } catch (error) {
    return [failed(attempt, what, error)];
  }
};

const isAsBefore = async ({ fs }: Host, files: Fingerprints): Promise<boolean> => {
  const paths = Object.keys(files) as HostPath[];
  return paths.length > 0 && isDeepStrictEqual(await fingerprints(fs, paths), files);
};
