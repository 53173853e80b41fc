import type { Change } from '../../change.ts';
import type { Command, HostFs, HostPath, HostView } from '../../host.ts';
import { parseCmdline } from '../../sysfs/cmdline.ts';
import type { BootSystem } from '../boot-system.ts';
import { loaderBootEntry, readLoaderEntries } from '../formats/loader-entry.ts';
import { exists, findProgram } from '../host-facts.ts';
import { type BootEntry, missingFrom } from '../layers.ts';
import { forgetRecord, readRecord, recordChange } from '../record.ts';
import { sideEffectsOf } from '../remedies.ts';

const id = 'rpm-ostree';
const entriesFolder: HostPath = '/boot/loader/entries';

/** Silverblue, CoreOS, image-mode hosts with rpm-ostree: arguments belong to a deployment. */
export const rpmOstree: BootSystem = {
  id,
  title: 'image-based, with rpm-ostree',
  detect: async ({ fs }) =>
    (await exists(fs, '/run/ostree-booted')) && (await findProgram(fs, 'rpm-ostree')) !== undefined,
  read: async (host) => {
    const next = await nextDeployment(host);
    const sources = next === undefined ? undefined : [{ path: entriesFolder, words: next.words }];
    return { sources, entries: next === undefined ? undefined : [next], entriesStay: true };
  },
  obstacle: () => Promise.resolve(undefined),
  add: async (host, wanted) => {
    const missing = missingFrom(await rpmOstree.read(host), wanted);
    if (missing.length === 0) return [];
    return [
      await recordChange(host.fs, id, missing),
      await changeArguments(host.fs, missing, 'append-if-missing'),
    ];
  },
  remove: async (host) => {
    const record = await readRecord(host.fs, id);
    if (record === undefined) return [];
    const words = (await nextDeployment(host))?.words ?? [];
    const left = record.arguments.filter((argument) => words.some(({ text }) => text === argument));
    return [
      ...(left.length > 0 ? [await changeArguments(host.fs, left, 'delete-if-present')] : []),
      forgetRecord(id),
    ];
  },
};

/** Asked: a staged deployment gets its boot entry only when the host shuts down. */
export const kargsQuery: Command = { argv: ['rpm-ostree', 'kargs'] };

const nextDeployment = async (host: HostView): Promise<BootEntry | undefined> => {
  const answer = await host.query(kargsQuery);
  if (answer.ran && answer.exitCode === 0) {
    const words = parseCmdline(answer.stdout);
    return {
      name: 'the next deployment',
      words: words.map((word) => ({ ...word, path: entriesFolder, line: 1 })),
    };
  }
  const entry = await newestEntry(host.fs);
  return entry === undefined ? undefined : loaderBootEntry(entry);
};

/** The entry with the highest version is the one that is booted. */
export const newestEntry = async (fs: HostFs) => {
  const version = (fields: ReadonlyMap<string, string>): number =>
    Number(fields.get('version') ?? 0);
  const entries = [...(await readLoaderEntries(fs, entriesFolder))];
  return entries.sort((a, b) => version(b.fields) - version(a.fields))[0];
};

/** A new deployment is written to the disk. */
const timeoutMs = 600_000;

const opposite = {
  'append-if-missing': 'delete-if-present',
  'delete-if-present': 'append-if-missing',
} as const;

const changeArguments = async (
  fs: HostFs,
  which: readonly string[],
  how: keyof typeof opposite,
): Promise<Change> => {
  const program = (await findProgram(fs, 'rpm-ostree')) ?? 'rpm-ostree';
  const command = (option: string): Command => ({
    argv: [program, 'kargs', ...which.map((argument) => `--${option}=${argument}`)],
    timeoutMs,
  });
  const disrupts = how === 'append-if-missing' ? sideEffectsOf(which) : undefined;
  const words = which.join(' ');
  return {
    action: { kind: 'command', command: command(how) },
    undo: [{ kind: 'command', command: command(opposite[how]) }],
    reason:
      how === 'append-if-missing'
        ? `${words} is to be on the kernel command line of the next deployment`
        : `${words} was put in by us`,
    effective: 'after-reboot',
    ...(disrupts !== undefined && { disrupts }),
  };
};
