import type { Action, HostFs, HostPath } from '../host.ts';
import { addArguments, parseCmdline, satisfies } from '../sysfs/cmdline.ts';
import { grubLinuxLines, isRecovery } from './formats/grub-menu.ts';
import { evaluateShellFiles } from './formats/shell-value.ts';
import { grubMenuPath, readGrubDefaults, readsDropIns } from './systems/grub-defaults.ts';

/** grub-mkconfig(8): kernels stay, their arguments are those of the files now. */
export const makeGrubMenu = async (
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

const file = (path: HostPath, content: string): Action => ({ kind: 'file', path, content });
