import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { SriovctlError } from '../errors.ts';
import type { ResolvedSpec } from '../resolved-spec.ts';
import { flushFolder, makeFolder } from '../sysfs/atomic-file.ts';
import { errnoOf } from '../sysfs/errno.ts';
import type { Journal, JournalEntry, RecordedOutcome } from './journal.ts';

/** What a run was asked for, and in which boot: after another one only what is on disk can be undone. */
export interface RecordHeader {
  readonly id: string;
  readonly command: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly bootId: string;
  readonly spec: ResolvedSpec;
  readonly continues?: Continued;
}

/** A killed run that a later one goes on from: what it had done is the later one's to take back. */
export interface Continued {
  readonly id: string;
  /** Numbered from 0. */
  readonly entries: readonly JournalEntry[];
}

/** A recorded run, as far as it got. */
export interface RunRecord extends RecordHeader {
  readonly file: string;
  /** Those that were begun and not taken back, in the order they were made. */
  readonly entries: readonly JournalEntry[];
  /** Missing when the run was killed. */
  readonly outcome?: RecordedOutcome | 'continued';
}

type Line =
  | ({ readonly type: 'run' } & RecordHeader)
  | { readonly type: 'begun'; readonly entry: JournalEntry }
  | { readonly type: 'done' | 'undone'; readonly seq: number }
  | {
      readonly type: 'ended';
      readonly outcome: RecordedOutcome;
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
    makeFolder(folder, 0o700);
    const made = openSync(join(folder, `${header.id}.jsonl`), 'ax', 0o600);
    flushFolder(folder);
    return made;
  });
  append(file, { type: 'run', ...header });
  return journalIn(file);
};

/** Goes on with a record, for a run that takes back what an earlier one did. */
export const resumeRecord = ({ file }: RunRecord): Journal =>
  journalIn(writing(() => openSync(file, 'a')));

const journalIn = (file: number): Journal => ({
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
});

/**
 * A whole line or none: half a line, as a full disk leaves it, would spoil the next one. Its line
 * break comes first, so that one which a crash has cut off spoils none either.
 */
const append = (file: number, line: Line): void => {
  const { size } = fstatSync(file);
  writing(() => {
    try {
      writeFileSync(file, `\n${JSON.stringify(line)}`);
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
  const records = namesIn(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .flatMap((name) => readRecord(join(folder, name)));
  const continued = new Set(records.map(({ continues }) => continues?.id));
  return records.map((record) =>
    continued.has(record.id) ? { ...record, outcome: 'continued' } : record,
  );
};

const namesIn = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
};

const readRecord = (file: string): readonly RunRecord[] => {
  const lines = readFileSync(file, 'utf8').split('\n').flatMap(parseLine);
  const header = lines.find((line) => line.type === 'run');
  if (header === undefined) return [];
  const undone = new Set(lines.flatMap((line) => (line.type === 'undone' ? [line.seq] : [])));
  const begun = lines.flatMap((line) => (line.type === 'begun' ? [line.entry] : []));
  const entries = [...(header.continues?.entries ?? []), ...begun].filter(
    ({ seq }) => !undone.has(seq),
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
