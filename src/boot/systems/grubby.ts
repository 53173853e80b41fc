import type { Change } from '../../change.ts';
import type { HostFs, HostPath, HostView } from '../../host.ts';
import { addArguments, parseCmdline, removeArguments, satisfies } from '../../sysfs/cmdline.ts';
import type { BootSystem } from '../boot-system.ts';
import { parseGrubEnvironment } from '../formats/grub-environment.ts';
import {
  type LoaderEntry,
  loaderBootEntry,
  type PlacedVariable,
  readLoaderEntries,
} from '../formats/loader-entry.ts';
import { exists, findProgram, isSystemdBoot } from '../host-facts.ts';
import { type BootSource, isGenerated } from '../layers.ts';
import { type BootRecord, forgetRecord, readRecord, recordChange } from '../record.ts';
import { sideEffectsOf } from '../remedies.ts';
import { kernelCmdline, readCmdlineSource } from './kernel-cmdline.ts';

const id = 'grubby';
export const loaderEntries: HostPath = '/boot/loader/entries';
export const grubEnvironment: HostPath = '/boot/grub2/grubenv';

/**
 * RHEL 8 and later, Fedora: an entry for each kernel that grubby edits in place. New kernels take
 * their command line from /etc/kernel/cmdline if it is there, on RHEL 8 from grubenv's kernelopts:
 * each of these is read again, since grubby did not always write them.
 */
export const grubby: BootSystem = {
  id,
  title: 'GRUB with an entry for each kernel',
  detect: async ({ fs }) =>
    (await findProgram(fs, 'grubby')) !== undefined &&
    (await exists(fs, '/boot/grub2')) &&
    !(await isSystemdBoot(fs)) &&
    (await readLoaderEntries(fs, loaderEntries)).length > 0,
  read: async ({ fs }) => {
    const variables = await readVariables(fs);
    const sources = [await readCmdlineSource(fs, kernelCmdline), kernelOptions(variables)].filter(
      (source) => source !== undefined,
    );
    return {
      sources: sources.length === 0 ? undefined : sources,
      entries: (await readLoaderEntries(fs, loaderEntries)).map((entry) =>
        loaderBootEntry(entry, variables),
      ),
      entriesStay: true,
    };
  },
  obstacle: () => Promise.resolve(undefined),
  add: (host, wanted) => add(host, wanted),
  remove: ({ fs }) => remove(fs),
};

const readVariables = async (fs: HostFs): Promise<ReadonlyMap<string, PlacedVariable>> => {
  const text = await fs.readText(grubEnvironment);
  return text === undefined ? new Map() : parseGrubEnvironment(grubEnvironment, text);
};

const kernelOptions = (variables: ReadonlyMap<string, PlacedVariable>): BootSource | undefined => {
  const options = variables.get('kernelopts');
  if (options === undefined) return undefined;
  const { path, line, value } = options;
  return { path, words: parseCmdline(value).map((word) => ({ ...word, path, line })) };
};

const add = async ({ fs, ...rest }: HostView, wanted: readonly string[]) => {
  const layers = await grubby.read({ fs, ...rest });
  const lacking = (words: BootSource['words']): readonly string[] =>
    wanted.filter((argument) => !satisfies(words, argument));
  const changes: Change[] = [];

  const text = await fs.readText(kernelCmdline);
  const inFile = text === undefined ? [] : lacking((await fileWords(fs)) ?? []);
  if (text !== undefined && inFile.length > 0) {
    changes.push(
      writeCmdline(addArguments(text, inFile), 'new kernels get their arguments from it'),
    );
  }
  const inEntries = wanted.filter((argument) => isGenerated(argument, layers) === false);
  const options = layers.sources?.find(({ path }) => path === grubEnvironment);
  const inOptions = options === undefined ? [] : lacking(options.words);
  if (inEntries.length > 0) changes.push(await updateEntries(fs, inEntries));
  else if (options !== undefined && inOptions.length > 0) {
    changes.push(await setKernelOptions(fs, options, inOptions));
  }
  if (changes.length === 0) return changes;
  const added = [...new Set([...inEntries, ...inFile, ...inOptions])];
  return [await recordChange(fs, id, added, await entriesWith(fs, added)), ...changes];
};

/** The entries that have an argument of their own, by argument. */
const entriesWith = async (
  fs: HostFs,
  added: readonly string[],
): Promise<Record<string, readonly string[]>> => {
  const entries = await readLoaderEntries(fs, loaderEntries);
  const found = added.map((argument): readonly [string, readonly string[]] => [
    argument,
    entries
      .filter((entry) => satisfies(loaderBootEntry(entry).words, argument))
      .map(({ path }) => path),
  ]);
  return Object.fromEntries(found.filter(([, paths]) => paths.length > 0));
};

const fileWords = async (fs: HostFs): Promise<BootSource['words'] | undefined> =>
  (await readCmdlineSource(fs, kernelCmdline))?.words;

/** All kernels: only the default one would leave the others, and those to come, without. */
const updateEntries = async (fs: HostFs, added: readonly string[]): Promise<Change> => {
  const program = (await findProgram(fs, 'grubby')) ?? 'grubby';
  const words = added.join(' ');
  const disrupts = sideEffectsOf(added);
  const take = (option: string) =>
    ({
      kind: 'command',
      command: { argv: [program, '--update-kernel=ALL', `${option}=${words}`], timeoutMs },
    }) as const;
  return {
    action: take('--args'),
    undo: [take('--remove-args')],
    reason: `${words} is not yet in every entry of ${loaderEntries}`,
    effective: 'after-reboot',
    ...(disrupts !== undefined && { disrupts }),
  };
};

/** It runs many programs for each entry. */
const timeoutMs = 180_000;

/** grubby of RHEL 8.0 edits the entries and leaves kernelopts, from which new kernels' entries live. */
const setKernelOptions = async (
  fs: HostFs,
  { words }: BootSource,
  added: readonly string[],
): Promise<Change> => {
  const program = (await findProgram(fs, 'grub2-editenv')) ?? 'grub2-editenv';
  const before = words.map(({ text }) => text).join(' ');
  const set = (value: string) =>
    ({
      kind: 'command',
      command: { argv: [program, '-', 'set', `kernelopts=${value}`] },
    }) as const;
  return {
    action: set(addArguments(before, added)),
    undo: [set(before)],
    reason: `new kernels get their arguments from kernelopts in ${grubEnvironment}`,
    effective: 'after-reboot',
  };
};

const writeCmdline = (content: string, reason: string): Change => ({
  action: { kind: 'file', path: kernelCmdline, content },
  reason,
  effective: 'after-reboot',
});

const remove = async (fs: HostFs): Promise<readonly Change[]> => {
  const record = await readRecord(fs, id);
  if (record === undefined) return [];
  const changes: Change[] = [];
  const text = await fs.readText(kernelCmdline);
  const rest = text === undefined ? undefined : removeArguments(text, record.arguments);
  if (rest !== undefined && rest !== text) {
    changes.push(writeCmdline(rest, `${record.arguments.join(' ')} was put in by us`));
  }
  const program = (await findProgram(fs, 'grubby')) ?? 'grubby';
  for (const { kernel, words } of await argumentsToRemove(fs, record)) {
    const take = (option: string) =>
      ({
        kind: 'command',
        command: { argv: [program, `--update-kernel=${kernel}`, `${option}=${words}`], timeoutMs },
      }) as const;
    changes.push({
      action: take('--remove-args'),
      undo: [take('--args')],
      reason: `${words} was put in by us`,
      effective: 'after-reboot',
    });
  }
  return [...changes, forgetRecord(id)];
};

/** ALL, unless some entry had an argument before we came. */
const argumentsToRemove = async (
  fs: HostFs,
  { arguments: added, had = {} }: BootRecord,
): Promise<readonly { readonly kernel: string; readonly words: string }[]> => {
  const variables = await readVariables(fs);
  const entries = (await readLoaderEntries(fs, loaderEntries)).map((entry) => {
    const { words } = loaderBootEntry(entry, variables);
    const ours = added.filter(
      (argument) =>
        words.some(({ text }) => text === argument) && had[argument]?.includes(entry.path) !== true,
    );
    return { kernel: kernelPath(entry), words: ours.join(' ') };
  });
  const left = entries.filter(({ words }) => words !== '');
  const [first] = left;
  if (first === undefined || Object.keys(had).length > 0) return left;
  return [{ kernel: 'ALL', words: added.join(' ') }];
};

/** As grubby names it, whether /boot is a file system of its own or not. */
const kernelPath = ({ fields }: LoaderEntry): string => {
  const path = fields.get('linux') ?? '';
  return path.startsWith('/boot/') ? path : `/boot${path}`;
};
