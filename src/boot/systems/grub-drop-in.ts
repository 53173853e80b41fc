import type { Change } from '../../change.ts';
import type { Problem } from '../../events.ts';
import type { HostFs, HostPath } from '../../host.ts';
import { addArguments, parseCmdline, satisfies } from '../../sysfs/cmdline.ts';
import type { BootSystem } from '../boot-system.ts';
import { parseShellFile } from '../formats/shell-file.ts';
import { evaluateShellFiles } from '../formats/shell-value.ts';
import { exists } from '../host-facts.ts';
import { missingFrom, staleIn } from '../layers.ts';
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

const variable = 'GRUB_CMDLINE_LINUX';
/** A name behind the others': `99-…` is beaten by many. */
const dropIn: HostPath = '/etc/default/grub.d/zz-sriovctl.cfg';

/**
 * Debian's and Ubuntu's grub-mkconfig(8) reads /etc/default/grub.d/*.cfg after /etc/default/grub. A
 * file of our own there leaves those of others as they are. It appends to GRUB_CMDLINE_LINUX: cloud
 * images set GRUB_CMDLINE_LINUX_DEFAULT anew in a drop-in of theirs.
 */
export const grubDropIn: BootSystem = {
  id: 'grub-drop-in',
  title: 'GRUB with drop-ins',
  detect: async ({ fs }, options) =>
    options.grubFile !== true &&
    (await exists(fs, grubDefaults)) &&
    (await readsDropIns(fs)) &&
    (await hasGrubMenu(fs)),
  read: async ({ fs }) => ({
    ...grubSource(await readGrubDefaults(fs, true)),
    entries: await readGrubMenu(fs),
  }),
  obstacle: async (host, missing) =>
    missing.length === 0
      ? undefined
      : ((await beaten(host.fs, missing)) ?? (await noRoomForMenu(host))),
  add: async (host, wanted) => {
    const layers = await grubDropIn.read(host);
    const own = await ownArguments(host.fs);
    const missing = missingFrom(layers, wanted, parseCmdline(own));
    const stale = staleIn(layers, wanted, missing);
    if (stale.length === 0 || (await beaten(host.fs, missing)) !== undefined) return [];
    return [
      ...(missing.length > 0 ? [writeDropIn(addArguments(own, missing), missing)] : []),
      await regenerateGrub(host.fs, dropIn, stale),
    ];
  },
  remove: async ({ fs }) => {
    if (!(await exists(fs, dropIn))) return [];
    const removed = parseCmdline(await ownArguments(fs)).map(({ text }) => text);
    return [
      { action: { kind: 'remove', path: dropIn }, reason: 'it is ours', effective: 'after-reboot' },
      await regenerateGrub(fs, dropIn, removed, 'still in'),
    ];
  },
};

const ownArguments = async (fs: HostFs): Promise<string> => {
  const text = await fs.readText(dropIn);
  const { sources } = grubSource(text === undefined ? [] : [parseShellFile(dropIn, text)]);
  return (sources?.[0]?.words ?? []).map((word) => word.text).join(' ');
};

const dropInText = (
  cmdline: string,
): string => `# Written by sriovctl, removed by \`sriovctl teardown\`.
${variable}="$${variable} ${cmdline}"
`;

const writeDropIn = (cmdline: string, added: readonly string[]): Change => {
  const disrupts = sideEffectsOf(added);
  return {
    action: { kind: 'file', path: dropIn, content: dropInText(cmdline), mode: 0o644 },
    reason: wantedReason(added, grubDropIn.title),
    effective: 'after-reboot',
    ...(disrupts !== undefined && { disrupts }),
  };
};

/** A file that comes later and sets the variable anew would make ours void. */
const beaten = async (fs: HostFs, missing: readonly string[]): Promise<Problem | undefined> => {
  const others = await readGrubDefaults(fs, true);
  const later = others.filter(({ path }) => path !== grubDefaults && path > dropIn);
  const ours = parseShellFile(dropIn, dropInText(missing.join(' ')));
  const value = evaluateShellFiles([ours, ...later])(variable);
  // What is opaque is judged by the menu that comes of it.
  const words = value.known ? parseCmdline(value.text) : undefined;
  if (words === undefined || missing.every((argument) => satisfies(words, argument))) {
    return undefined;
  }
  const reset = later.find(({ assignments }) => assignments.some(({ name }) => name === variable));
  return {
    code: 'BOOT_DROP_IN_BEATEN',
    problem: `${reset?.path ?? dropIn} is read after ${dropIn} and sets ${variable} anew`,
    hint: `Let it append ("$${variable} …"), or give it a name that comes before zz-sriovctl.cfg.`,
  };
};
