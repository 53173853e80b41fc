import type { HostPath } from '../../host.ts';
import { parseCmdline } from '../../sysfs/cmdline.ts';
import type { BootEntry } from '../layers.ts';

/** A `linux` line of a generated GRUB menu. */
export interface GrubLinuxLine {
  /** Counted from 1. */
  readonly line: number;
  readonly title: string;
  /** Everything before the arguments, with the kernel's path. */
  readonly head: string;
  readonly args: string;
}

/**
 * The lines that grub-mkconfig(8) made from the kernels it found: those of 10_linux, or all where the
 * sections are not marked. Entries that somebody wrote by hand follow nobody's configuration.
 */
export const grubLinuxLines = (text: string): readonly GrubLinuxLine[] => {
  const marked = /^### BEGIN \S*\/10_linux\S* ###$/m.test(text);
  const lines: GrubLinuxLine[] = [];
  let inside = !marked;
  let title = '';
  text.split('\n').forEach((content, index) => {
    if (marked && content.startsWith('### ')) inside = /^### BEGIN \S*\/10_linux/.test(content);
    title =
      /^\s*menuentry\s+(?:'([^']*)'|"([^"]*)")/.exec(content)?.slice(1).find(Boolean) ?? title;
    const linux = /^(\s*linux(?:efi|16)?\s+\S+)(?:[ \t]+(.*))?$/.exec(content);
    if (!inside || linux === null) return;
    lines.push({ line: index + 1, title, head: linux[1] ?? '', args: linux[2] ?? '' });
  });
  return lines;
};

/** Recovery entries have a command line of their own and do not count. */
export const isRecovery = ({ title, args }: GrubLinuxLine): boolean =>
  /\(recovery mode\)/.test(title) || /(^| )(single|recovery)( |$)/.test(args);

export const grubMenuEntries = (path: HostPath, text: string): readonly BootEntry[] =>
  grubLinuxLines(text)
    .filter((line) => !isRecovery(line))
    .map(({ title, line, args }) => ({
      name: title,
      words: parseCmdline(withoutGrubQuotes(args)).map((word) => ({ ...word, path, line })),
    }));

/** GRUB takes a layer of quotes and backslashes before the kernel sees the rest. */
const withoutGrubQuotes = (args: string): string =>
  args.replaceAll(/\\(.)|['"]/g, (_, escaped: string | undefined) => escaped ?? '');
