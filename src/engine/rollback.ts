import { isDeepStrictEqual } from 'node:util';
import type { Permission } from '../change.ts';
import { HostError, SriovctlError } from '../errors.ts';
import type { Listener } from '../events.ts';
import type { Action, Host, HostPath } from '../host.ts';
import { describeAction } from '../sysfs/describe-action.ts';
import { holds } from '../sysfs/holds.ts';
import { describeUses, usesTakenBy } from '../sysfs/owners/uses.ts';
import { type Fingerprints, fingerprints, undoActions } from './before.ts';
import type { Journal, JournalEntry } from './journal.ts';

/** An attribute whose write outlived its deadline: nothing more may be written to that PF. */
export interface StuckWrite {
  readonly path: string;
}

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
  const leftover: string[] = [];
  for (const entry of entries.toReversed()) {
    const failures = await undoEntry(rollback, entry);
    if (failures.length === 0) {
      recordIfPossible(listener, () => {
        journal.undone(entry.seq);
      });
    }
    leftover.push(...failures);
  }
  for (const entry of entries) leftover.push(...(await regenerate(rollback, entry)));
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

const undoEntry = async (
  { host, listener, stuck, permissions }: Rollback,
  { change, before }: JournalEntry,
): Promise<readonly string[]> => {
  const failures: string[] = [];
  for (const action of undoActions(change, before)) {
    const what = describeAction(action);
    if (stuck !== undefined && waitsFor(action, stuck)) {
      failures.push(`${what}: not tried, the kernel is still working on ${stuck.path}`);
      continue;
    }
    try {
      if ((await holds(host, action)) === true) continue;
      const uses = permissions?.has('force') === true ? [] : await usesTakenBy(host, action);
      if (uses.length > 0) {
        failures.push(`${what}: not tried, in use are ${describeUses(uses).join('; ')}`);
        continue;
      }
      await host.perform(action);
      listener({ type: 'rolled-back', what });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      listener({ type: 'rollback-failed', what, why });
      failures.push(`${what}: ${why}`);
    }
  }
  return failures;
};

/**
 * Both below the same /sys/bus/pci/devices/<address>; or both a number of VFs, since a removal holds
 * the lock of all PCI removals (pci_lock_rescan_remove).
 */
const waitsFor = (action: Action, { path }: StuckWrite): boolean =>
  'path' in action &&
  (action.path.split('/')[5] === path.split('/')[5] ||
    (action.path.endsWith('/sriov_numvfs') && path.endsWith('/sriov_numvfs')));

/** Runs a generator of the run again, unless what it makes is as it was. */
const regenerate = async (
  { host, listener }: Rollback,
  { change, before }: JournalEntry,
): Promise<readonly string[]> => {
  const { action } = change;
  if (action.kind !== 'regenerate') return [];
  const what = describeAction(action);
  try {
    if (before.kind === 'generated' && (await isAsBefore(host, before.files))) return [];
    await host.perform(action);
    listener({ type: 'rolled-back', what });
    return [];
  } catch (error) {
    const why = error instanceof HostError ? error.message : String(error);
    listener({ type: 'rollback-failed', what, why });
    return [`${what}: ${why}`];
  }
};

const isAsBefore = async ({ fs }: Host, files: Fingerprints): Promise<boolean> => {
  const paths = Object.keys(files) as HostPath[];
  return paths.length > 0 && isDeepStrictEqual(await fingerprints(fs, paths), files);
};
