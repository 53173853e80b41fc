import { posix } from 'node:path';
import type { Action, Command, CommandResult, HostFs, HostPath } from '../host.ts';
import {
  addArguments,
  type KernelWord,
  parseCmdline,
  removeArguments,
  satisfies,
} from '../sysfs/cmdline.ts';
import { parseGrubEnvironment, setGrubVariable } from './formats/grub-environment.ts';
import { grubLinuxLines, isRecovery } from './formats/grub-menu.ts';
import { type LoaderEntry, readLoaderEntries, withOptions } from './formats/loader-entry.ts';
import { evaluateShellFiles } from './formats/shell-value.ts';
import { installedEntries } from './installed-kernels.ts';
import { grubMenuPath, readGrubDefaults, readsDropIns } from './systems/grub-defaults.ts';
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

/** grub-mkconfig(8): kernels stay, their arguments are those of the files now. */
const makeGrubMenu = async (
  fs: HostFs,
  argv: readonly string[] = [],
): Promise<readonly Action[] | undefined> => {
  const asked = argv[argv.indexOf('-o') + 1];
  const path = argv.includes('-o') ? (asked as HostPath) : await grubMenuPath(fs);
  const menu = path === undefined ? undefined : await fs.readText(path);
  if (path === undefined || menu === undefined) return undefined;
  const valueOf = evaluateShellFiles(await readGrubDefaults(fs, await readsDropIns(fs)));
  const all = valueOf('GRUB_CMDLINE_LINUX');
  const normal = valueOf('GRUB_CMDLINE_LINUX_DEFAULT');
  // The values of an opaque file cannot be foretold; a drop-in's own words can.
  if (!all.known || !normal.known) return withWords(path, menu, await ownWords(fs));
  const lines = menu.split('\n');
  for (const entry of grubLinuxLines(menu)) {
    const recovery = isRecovery(entry);
    const own = ownWordsOf(entry.args, recovery);
    const args = recovery ? [...own, all.text] : [...own, all.text, normal.text];
    lines[entry.line - 1] = `${entry.head} ${args.join(' ')}`;
  }
  return [file(path, lines.join('\n'))];
};

/** The menu with words added that no line had. */
const withWords = (path: HostPath, menu: string, words: readonly string[]): readonly Action[] => {
  const lines = menu.split('\n');
  for (const { line, head, args } of grubLinuxLines(menu)) {
    const missing = words.filter((word) => !satisfies(parseCmdline(args), word));
    lines[line - 1] = `${head} ${addArguments(args, missing)}`;
  }
  return [file(path, lines.join('\n'))];
};

const ownWords = async (fs: HostFs): Promise<readonly string[]> => {
  const files = await readGrubDefaults(fs, await readsDropIns(fs));
  const value = evaluateShellFiles(files.slice(-1))('GRUB_CMDLINE_LINUX');
  return value.known ? parseCmdline(value.text).map(({ text }) => text) : [];
};

/** What 10_linux puts before the configured arguments. */
const ownWordsOf = (args: string, recovery: boolean): readonly string[] => {
  const words = args.split(' ').filter((word) => word !== '');
  const pattern = recovery
    ? /^(root=|ro$|rw$|rootflags=|single$|recovery$|nomodeset$|dis_ucode_ldr$)/
    : /^(root=|ro$|rw$|rootflags=)/;
  const end = words.findIndex((word) => !pattern.test(word));
  return end === -1 ? words : words.slice(0, end);
};

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
