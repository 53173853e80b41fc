import type { Change } from '../../change.ts';
import { commandLine, SriovctlError } from '../../errors.ts';
import type { Problem } from '../../events.ts';
import type { HostFs, HostPath, HostView } from '../../host.ts';
import type { BootOptions } from '../../resolved-spec.ts';
import { parseCmdline, satisfies } from '../../sysfs/cmdline.ts';
import type { BootSystem } from '../boot-system.ts';
import { addToVariable, type Edit, removeFromVariable } from '../formats/shell-edit.ts';
import { parseShellFile, type ShellFile } from '../formats/shell-file.ts';
import { evaluateShellFiles } from '../formats/shell-value.ts';
import { exists, readOsRelease } from '../host-facts.ts';
import { missingFrom, staleIn } from '../layers.ts';
import { forgetRecord, readRecord, recordChange } from '../record.ts';
import { sideEffectsOf, wantedReason } from '../remedies.ts';
import {
  grubDefaults,
  grubSource,
  hasGrubMenu,
  noRoomForMenu,
  readGrubDefaults,
  readGrubMenu,
  readsDropIns,
  regenerateGrub,
} from './grub-defaults.ts';

/** The file as it was before our first edit; grub-mkconfig(8) does not look at it. */
const backup: HostPath = '/etc/default/grub.before-sriovctl';

interface Variant {
  readonly id: string;
  readonly title: string;
  readonly variable: string;
  readonly applies: (fs: HostFs, options: BootOptions) => Promise<boolean>;
}

/** /etc/default/grub itself, where there are no drop-ins or where the user wants it so. */
const grubFileSystem = ({ id, title, variable, applies }: Variant): BootSystem => ({
  id,
  title,
  detect: async ({ fs }, options) =>
    (await exists(fs, grubDefaults)) && (await applies(fs, options)) && (await hasGrubMenu(fs)),
  read: async ({ fs }) => ({
    ...grubSource(await readGrubDefaults(fs, await readsDropIns(fs))),
    entries: await readGrubMenu(fs),
  }),
  obstacle: async (host, missing) => {
    const { fs } = host;
    const file = await readMain(fs);
    if (missing.length === 0 || file === undefined) return undefined;
    const edit = addToVariable(file, variable, missing);
    return 'refused' in edit
      ? refusal(fs, edit, variable, missing)
      : ((await beaten(fs, edit.text, variable, missing)) ?? (await noRoomForMenu(host)));
  },
  add: async (host, wanted) => {
    const { fs } = host;
    const file = await readMain(fs);
    if (file === undefined) return [];
    const layers = await grubFileSystem({ id, title, variable, applies }).read(host);
    const own = evaluateShellFiles([file])(variable);
    const missing = missingFrom(layers, wanted, own.known ? parseCmdline(own.text) : []);
    const stale = staleIn(layers, wanted, missing);
    const edit = addToVariable(file, variable, missing);
    if (stale.length === 0 || 'refused' in edit) return [];
    if ((await beaten(fs, edit.text, variable, missing)) !== undefined) return [];
    return [
      ...(missing.length > 0
        ? await editChanges(fs, { id, title }, file.text, edit.text, missing)
        : []),
      await regenerateGrub(fs, grubDefaults, stale),
    ];
  },
  remove: (host) => remove(host, id, variable),
});

/** What the tutorial does by hand: `--grub-file`, and hosts whose GRUB reads nothing else. */
export const grubFile = grubFileSystem({
  id: 'grub-file',
  title: 'GRUB with one file',
  variable: 'GRUB_CMDLINE_LINUX',
  applies: async (fs, { grubFile: asked }) => asked === true || !(await readsDropIns(fs)),
});

/** SUSE's tools keep a host's own arguments in the variable of the normal entries. */
export const grubSuse = grubFileSystem({
  id: 'grub-suse',
  title: 'GRUB on SUSE',
  variable: 'GRUB_CMDLINE_LINUX_DEFAULT',
  applies: async (fs, { grubFile: asked }) =>
    asked !== true && (await readOsRelease(fs)).family.includes('suse'),
});

const readMain = async (fs: HostFs): Promise<ShellFile | undefined> => {
  const text = await fs.readText(grubDefaults);
  return text === undefined ? undefined : parseShellFile(grubDefaults, text);
};

const editChanges = async (
  fs: HostFs,
  { id, title }: Pick<Variant, 'id' | 'title'>,
  before: string,
  after: string,
  added: readonly string[],
): Promise<readonly Change[]> => {
  const kept = (await readRecord(fs, id)) !== undefined && (await exists(fs, backup));
  const disrupts = sideEffectsOf(added);
  return [
    await recordChange(fs, id, added),
    ...(kept ? [] : [write(backup, before, 'a copy of the file as it was')]),
    {
      ...write(grubDefaults, after, wantedReason(added, title)),
      effective: 'after-reboot',
      ...(disrupts !== undefined && { disrupts }),
    },
  ];
};

const write = (path: HostPath, content: string, reason: string): Change => ({
  action: { kind: 'file', path, content },
  reason,
});

const remove = async (
  { fs }: HostView,
  id: string,
  variable: string,
): Promise<readonly Change[]> => {
  const record = await readRecord(fs, id);
  const file = await readMain(fs);
  if (record === undefined || file === undefined) return [];
  const old = await fs.readText(backup);
  const restored =
    old === undefined ? undefined : restoredText(file, old, variable, record.arguments);
  const edit =
    restored === undefined
      ? removeFromVariable(file, variable, record.arguments)
      : { text: restored };
  if ('refused' in edit) {
    const { problem, hint, code } = await refusal(fs, edit, variable, record.arguments, 'Remove');
    throw new SriovctlError(code, problem, { hint, exit: 'refused' });
  }
  const edited = edit.text !== file.text;
  return [
    ...(edited
      ? [write(grubDefaults, edit.text, `${record.arguments.join(' ')} was put in by us`)]
      : []),
    ...(edited ? [await regenerateGrub(fs, grubDefaults, record.arguments, 'still in')] : []),
    ...(old === undefined
      ? []
      : [{ action: { kind: 'remove', path: backup }, reason: 'it is ours' } as const]),
    forgetRecord(id),
  ];
};

/** The file as it was, if nobody has changed anything else in it since. */
const restoredText = (
  file: ShellFile,
  old: string,
  variable: string,
  added: readonly string[],
): string | undefined => {
  const edit = addToVariable(parseShellFile(file.path, old), variable, added);
  return 'text' in edit && edit.text === file.text ? old : undefined;
};

const refusal = async (
  fs: HostFs,
  { refused }: Extract<Edit, { refused: unknown }>,
  variable: string,
  words: readonly string[],
  verb: 'Add' | 'Remove' = 'Add',
): Promise<Problem> => {
  const { action } = await regenerateGrub(fs, grubDefaults, words);
  const command = action.kind === 'regenerate' ? commandLine(action.command) : '';
  return {
    code: 'BOOT_FILE_OPAQUE',
    problem: `${refused.path}:${refused.line} holds ${refused.why}, so it is not edited`,
    hint: `${verb} ${words.join(' ')} ${verb === 'Add' ? 'to' : 'from'} ${variable} there by hand, then run ${command}.`,
  };
};

/** On a host with drop-ins one of them may set the variable anew. */
const beaten = async (
  fs: HostFs,
  edited: string,
  variable: string,
  missing: readonly string[],
): Promise<Problem | undefined> => {
  const [, ...dropIns] = await readGrubDefaults(fs, await readsDropIns(fs));
  const value = evaluateShellFiles([parseShellFile(grubDefaults, edited), ...dropIns])(variable);
  const words = value.known ? parseCmdline(value.text) : undefined;
  if (words === undefined || missing.every((argument) => satisfies(words, argument))) {
    return undefined;
  }
  const reset = dropIns.findLast(({ assignments }) =>
    assignments.some(({ name }) => name === variable),
  );
  return {
    code: 'BOOT_FILE_BEATEN',
    problem: `${reset?.path ?? grubDefaults} sets ${variable} anew behind ${grubDefaults}`,
    hint: 'Leave out --grub-file: a drop-in that is read last is used then.',
  };
};
