import type { Change } from '../change.ts';
import type { HostFs, HostPath } from '../host.ts';

/**
 * Which arguments we put into files that are others' as well, so that a teardown takes out these and
 * nothing else. Drop-ins of our own need none.
 */
export interface BootRecord {
  readonly arguments: readonly string[];
  /** The boot entries that had an argument before, by argument. */
  readonly had?: Readonly<Record<string, readonly string[]>>;
}

const folder: HostPath = '/var/lib/sriovctl/boot';

const recordPath = (system: string): HostPath => `${folder}/${system}.json`;

export const readRecord = async (fs: HostFs, system: string): Promise<BootRecord | undefined> => {
  const text = await fs.readText(recordPath(system));
  return text === undefined ? undefined : parse(text);
};

/** Written before the arguments are: a record too much does no harm. */
export const recordChange = async (
  fs: HostFs,
  system: string,
  added: readonly string[],
  had: BootRecord['had'] = {},
): Promise<Change> => {
  const old = await readRecord(fs, system);
  const hadBefore = { ...had, ...old?.had };
  const record: BootRecord = {
    arguments: [...new Set([...(old?.arguments ?? []), ...added])],
    ...(Object.keys(hadBefore).length > 0 && { had: hadBefore }),
  };
  return {
    action: {
      kind: 'file',
      path: recordPath(system),
      content: `${JSON.stringify(record)}\n`,
      mode: 0o644,
    },
    reason: 'so that a teardown takes out these arguments and no others',
  };
};

export const forgetRecord = (system: string): Change => ({
  action: { kind: 'remove', path: recordPath(system) },
  reason: 'nothing of what it records is left',
});

/** What is no record of ours is as good as none. */
const parse = (text: string): BootRecord | undefined => {
  try {
    const { arguments: added, had } = JSON.parse(text) as Partial<Record<string, unknown>>;
    if (!isStrings(added)) return undefined;
    const byArgument = typeof had === 'object' && had !== null ? Object.entries(had) : [];
    const kept = byArgument.filter((entry): entry is [string, string[]] => isStrings(entry[1]));
    return { arguments: added, ...(kept.length > 0 && { had: Object.fromEntries(kept) }) };
  } catch {
    return undefined;
  }
};

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
