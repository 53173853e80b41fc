import type { Journal, JournalEntry } from '../../src/engine/journal.ts';

export interface Recording {
  readonly journal: Journal;
  /** What was begun and not taken back, in the order it was begun. */
  readonly open: () => readonly JournalEntry[];
}

/** A record that is kept in memory. */
export const recording = (): Recording => {
  const open = new Map<number, JournalEntry>();
  const journal: Journal = {
    begun: (entry) => {
      open.set(entry.seq, entry);
    },
    done: () => undefined,
    undone: (seq) => {
      open.delete(seq);
    },
    ended: () => undefined,
  };
  return { journal, open: () => [...open.values()] };
};
