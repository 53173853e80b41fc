import type { Change } from '../change.ts';
import type { Outcome } from '../events.ts';
import type { Step } from '../step.ts';
import type { Before } from './before.ts';

/** A change of a run and the state before it: what a rollback reads backwards. */
export interface JournalEntry {
  readonly seq: number;
  readonly stepId: string;
  readonly scope: Step['scope'];
  readonly change: Change;
  readonly before: Before;
}

/** How a recorded run ended; `undone` by a later command. */
export type RecordedOutcome = Outcome | 'undone';

/** Where a run is recorded; each call returns when the record would survive a crash. */
export interface Journal {
  /** Called ahead of the write. */
  begun(entry: JournalEntry): void;
  done(seq: number): void;
  undone(seq: number): void;
  ended(outcome: RecordedOutcome, leftover: readonly string[]): void;
}

/** For rehearsals, which leave no record. */
export const noJournal: Journal = {
  begun: () => undefined,
  done: () => undefined,
  undone: () => undefined,
  ended: () => undefined,
};
