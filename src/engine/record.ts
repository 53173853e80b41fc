import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { SriovctlError } from '../errors.ts';
import type { Outcome } from '../events.ts';
import type { ResolvedSpec } from '../resolved-spec.ts';
import type { Journal, JournalEntry } from './journal.ts';

/** What a run was asked for, and in which boot: after another one only what is on disk can be undone. */
export interface RecordHeader {
  readonly id: string;
  readonly command: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly bootId: string;
  readonly spec: ResolvedSpec;
}

/** A recorded run, as far as it got. */
export interface RunRecord extends RecordHeader {
  readonly file: string;
  /** Those that were begun and not taken back, in the order they were made. */
  readonly entries: readonly JournalEntry[];
  /** Missing when the run was killed. */
  readonly outcome?: Outcome | 'continued' | 'undone';
}

type Line =
  | ({ readonly type: 'run' } & RecordHeader)
  | { readonly type: 'begun'; readonly entry: JournalEntry }
  | { readonly type: 'done' | 'undone'; readonly seq: number }
  | {
      readonly type: 'ended';
      readonly outcome: NonNullable<RunRecord['outcome']>;
      readonly leftover: readonly string[];
    };

/** Records live below this folder, one file a run, readable by root alone. */
export const recordFolder = '/var/lib/sriovctl/runs';

/**
 * Starts a record: lines of JSON, each flushed to the disk before the call returns, so that what
 * was begun is known even if the machine loses power in the middle of it.
 *
 * @throws SriovctlError RECORD_UNWRITABLE, as each call of the journal does.
 */
export const startRecord = (header: RecordHeader, folder: string = recordFolder): Journal => {
  const file = writing(() => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return openSync(join(folder, `${header.id}.jsonl`), 'ax', 0o600);
  });
  append(file, { type: 'run', ...header });
  return {
    begun: (entry) => {
      append(file, { type: 'begun', entry });
    },
    done: (seq) => {
      append(file, { type: 'done', seq });
    },
    undone: (seq) => {
      append(file, { type: 'undone', seq });
    },
    ended: (outcome, leftover) => {
      append(file, { type: 'ended', outcome, leftover });
      closeSync(file);
    },
  };
};

/** Adds the word that a later run has for an earlier one: it went on from it, or took it back. */
export const closeRecord = (
  { file }: RunRecord,
  outcome: 'continued' | 'undone',
  undone: readonly number[] = [],
): void => {
  const handle = writing(() => openSync(file, 'a'));
  append(handle, ...undone.map((seq) => ({ type: 'undone', seq }) as const), {
    type: 'ended',
    outcome,
    leftover: [],
  });
  closeSync(handle);
};

/** Whole lines or none: half a line, as a full disk leaves it, would spoil the next one. */
const append = (file: number, ...lines: readonly Line[]): void => {
  const { size } = fstatSync(file);
  writing(() => {
    try {
      writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      fsyncSync(file);
    } catch (error) {
      ftruncateSync(file, size);
      throw error;
    }
  });
};

const writing = <T>(write: () => T): T => {
  try {
    return write();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SriovctlError(
      'RECORD_UNWRITABLE',
      `the record of the run cannot be written: ${why}`,
      {
        exit: 'refused',
        hint: 'Nothing is changed that is not recorded before: make room for /var/lib/sriovctl.',
        cause,
      },
    );
  }
};

/** All records, oldest first. A last line that was cut off by a crash is left out. */
export const readRecords = (folder: string = recordFolder): readonly RunRecord[] => {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .flatMap((name) => readRecord(join(folder, name)));
};

const readRecord = (file: string): readonly RunRecord[] => {
  const lines = readFileSync(file, 'utf8').split('\n').flatMap(parseLine);
  const header = lines.find((line) => line.type === 'run');
  if (header === undefined) return [];
  const undone = new Set(lines.flatMap((line) => (line.type === 'undone' ? [line.seq] : [])));
  const entries = lines.flatMap((line) =>
    line.type === 'begun' && !undone.has(line.entry.seq) ? [line.entry] : [],
  );
  const ended = lines.findLast((line) => line.type === 'ended');
  return [{ ...header, file, entries, ...(ended !== undefined && { outcome: ended.outcome }) }];
};

const parseLine = (line: string): readonly Line[] => {
  try {
    return [JSON.parse(line) as Line];
  } catch {
    return [];
  }
};

/** Sorts by time; a process makes no two in one millisecond. */
export const newRunId = (now: Date, pid: number): string =>
  `${now.toISOString().replace(/[-:]/g, '').replace('.', '')}-${pid}`;
