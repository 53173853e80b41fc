import { posix } from 'node:path';
import type { Action, Command, CommandResult, HostFs, HostPath } from '../host.ts';
import { addArguments, type KernelWord, parseCmdline, removeArguments } from '../sysfs/cmdline.ts';
import { parseGrubEnvironment, setGrubVariable } from './formats/grub-environment.ts';
import { type LoaderEntry, readLoaderEntries, withOptions } from './formats/loader-entry.ts';
import { makeGrubMenu } from './grub-menu-model.ts';
import { installedEntries } from './installed-kernels.ts';
import { grubEnvironment, loaderEntries } from './systems/grubby.ts';
import { kernelCmdline } from './systems/kernel-cmdline.ts';
import { newestEntry } from './systems/rpm-ostree.ts';

/** What a program of a boot system does on a simulated host; `undefined` for what is none of these. */
export type BootModel = (
  command: Command,
  fs: HostFs,
) => Promise<readonly Action[] | CommandResult | undefined>;

/** By a program's base name. Only what a stage reads back is predicted. */
export const bootModels: Readonly<Record<string, BootModel>> = {
  'update-grub': (_, fs) => makeGrubMenu(fs),
  'grub-mkconfig': ({ argv }, fs) => makeGrubMenu(fs, argv),
  'grub2-mkconfig': ({ argv }, fs) => makeGrubMenu(fs, argv),
  grubby: ({ argv }, fs) => editEntries(fs, argv),
  'grub2-editenv': ({ argv }, fs) => setEnvironment(fs, argv),
  'kernel-install': ({ argv }, fs) => makeEntries(fs, argv[1] === 'add' ? argv[2] : undefined),
  sdbootutil: (_, fs) => makeEntries(fs),
  // It writes to ESPs that are not mounted: nothing that could be read changes.
  'proxmox-boot-tool': () => Promise.resolve([]),
  'rpm-ostree': ({ argv }, fs) => (argv[1] === 'kargs' ? kargs(fs, argv) : noModel),
};

/** The files that a program would write. */
export const simulate = async (
  command: Command,
  fs: HostFs,
): Promise<readonly Action[] | undefined> => {
  const answer = await bootModels[posix.basename(command.argv[0])]?.(command, fs);
  return answer !== undefined && isActions(answer) ? answer : undefined;
};

const noModel = Promise.resolve(undefined);

const isActions = (answer: readonly Action[] | CommandResult): answer is readonly Action[] =>
  Array.isArray(answer);

const file = (path: HostPath, content: string): Action => ({ kind: 'file', path, content });

/** grubby(8) --update-kernel=… --args=… --remove-args=… */
const editEntries = async (
  fs: HostFs,
  argv: readonly string[],
): Promise<readonly Action[] | undefined> => {
  const option = (name: string): string | undefined =>
    argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  const kernel = option('update-kernel');
  if (kernel === undefined) return undefined;
  const change = (options: string): string =>
    addMissing(removeAll(options, split(option('remove-args'))), split(option('args')));
  const actions: Action[] = [];
  for (const entry of await readLoaderEntries(fs, loaderEntries)) {
    const linux = entry.fields.get('linux') ?? '';
    if (kernel !== 'ALL' && !kernel.endsWith(linux)) continue;
    const shared = entry.options.some(({ value }) => value.includes('$kernelopts'));
    if (!shared) actions.push(file(entry.path, withOptions(entry, change)));
  }
  const environment = await fs.readText(grubEnvironment);
  const options =
    environment === undefined
      ? undefined
      : parseGrubEnvironment(grubEnvironment, environment).get('kernelopts');
  if (environment !== undefined && options !== undefined && kernel === 'ALL') {
    const value = change(options.value);
    actions.push(file(grubEnvironment, setGrubVariable(environment, 'kernelopts', value)));
  }
  return actions;
};

const setEnvironment = async (
  fs: HostFs,
  argv: readonly string[],
): Promise<readonly Action[] | undefined> => {
  const text = await fs.readText(grubEnvironment);
  const [, name, value] = /^(\w+)=(.*)$/.exec(argv.at(-1) ?? '') ?? [];
  if (argv[2] !== 'set' || text === undefined || name === undefined) return undefined;
  return [file(grubEnvironment, setGrubVariable(text, name, value ?? ''))];
};

/** kernel-install(8), sdbootutil: entries take the words of /etc/kernel/cmdline and keep the loader's own. */
const makeEntries = async (
  fs: HostFs,
  release?: string,
): Promise<readonly Action[] | undefined> => {
  const cmdline = await fs.readText(kernelCmdline);
  if (cmdline === undefined) return undefined;
  const words = parseCmdline(cmdline);
  return (await installedEntries(fs))
    .filter(({ fields }) => release === undefined || fields.get('version') === release)
    .map((entry) =>
      file(
        entry.path,
        withOptions(entry, (old) => takeOver(old, words)),
      ),
    );
};

const takeOver = (options: string, words: readonly KernelWord[]): string => {
  const kept = parseCmdline(options).filter(
    ({ key, text }) =>
      /^(root|rootflags|systemd\.machine_id)$/.test(key) ||
      words.some((word) => word.text === text),
  );
  const fresh = words.filter(({ text }) => !kept.some((word) => word.text === text));
  return [...kept, ...fresh].map(({ text }) => text).join(' ');
};

/** A staged deployment has no boot entry yet; on a simulated host it stands in a file of this name. */
const staged: HostPath = '/run/sriovctl/simulated-kargs';

/** Without a change it prints the next deployment's arguments: the real host knows them, unless we staged one. */
const kargs = async (
  fs: HostFs,
  argv: readonly string[],
): Promise<readonly Action[] | CommandResult | undefined> => {
  const pending = await fs.readText(staged);
  if (argv.length === 2) {
    return pending === undefined
      ? undefined
      : { ran: true, exitCode: 0, stdout: pending, stderr: '' };
  }
  const values = (name: string): readonly string[] =>
    argv.flatMap((word) => (word.startsWith(`--${name}=`) ? [word.slice(name.length + 3)] : []));
  const entry = await newestEntry(fs);
  const before = pending ?? (entry === undefined ? '' : optionsOf(entry));
  const after = addMissing(
    removeAll(before, values('delete-if-present')),
    values('append-if-missing'),
  );
  return [file(staged, `${after.trimEnd()}\n`)];
};

const optionsOf = ({ options }: LoaderEntry): string => options.map(({ value }) => value).join(' ');

const split = (words: string | undefined): readonly string[] =>
  (words ?? '').split(' ').filter((word) => word !== '');

const addMissing = (options: string, added: readonly string[]): string =>
  addArguments(
    options,
    added.filter((argument) => !parseCmdline(options).some(({ text }) => text === argument)),
  );

const removeAll = (options: string, removed: readonly string[]): string =>
  removed.reduce((rest, argument) => removeArguments(rest, [argument]), options);
