import type { Guest } from '../guest.ts';

/** One line of the journal of the running boot. */
export interface Entry {
  /** Milliseconds since the kernel started; the kernel's lines bear its own time. */
  readonly at: number;
  readonly from: string;
  readonly text: string;
  readonly priority: number;
  /** Of what systemd says about units. */
  readonly unit: string | undefined;
  readonly messageId: string | undefined;
}

const fields = [
  'MESSAGE',
  'MESSAGE_ID',
  'PRIORITY',
  'SYSLOG_IDENTIFIER',
  'UNIT',
  '_SOURCE_MONOTONIC_TIMESTAMP',
] as const;

export const bootJournal = async (guest: Guest): Promise<readonly Entry[]> => {
  const lines = await guest.sh(`journalctl -b -o json --output-fields=${fields.join(',')}`, {
    timeoutMs: 600_000,
  });
  return lines.split('\n').map((line) => {
    const entry = JSON.parse(line) as Readonly<Record<string, string | undefined>>;
    const time = entry['_SOURCE_MONOTONIC_TIMESTAMP'] ?? entry['__MONOTONIC_TIMESTAMP'];
    return {
      at: Number(time) / 1000,
      from: entry['SYSLOG_IDENTIFIER'] ?? '',
      text: String(entry['MESSAGE']),
      priority: Number(entry['PRIORITY']),
      unit: entry['UNIT'],
      messageId: entry['MESSAGE_ID'],
    };
  });
};

/** sd-messages(3): SD_MESSAGE_UNIT_STARTING, SD_MESSAGE_UNIT_STARTED. */
const messageIds = {
  starting: '7d4958e842da4a758f6c1cdc7b36dcc5',
  started: '39f53479d3a045ac8e11786248231fbf',
} as const;

/** When systemd began to start a unit, and when it was up or a target was reached. */
export const timeOf = (
  journal: readonly Entry[],
  what: keyof typeof messageIds,
  unit: string,
): number => {
  const found = journal.find(
    (entry) => entry.unit === unit && entry.messageId === messageIds[what],
  );
  if (found === undefined) throw new Error(`The journal does not say that ${unit} was ${what}`);
  return found.at;
};

export const textsFrom = (journal: readonly Entry[], from: string): readonly string[] =>
  journal.filter((entry) => entry.from === from).map(({ text }) => text);
