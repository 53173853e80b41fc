import type { HostPath } from '../host.ts';
import { contradictions, type KernelWord, satisfies } from '../sysfs/cmdline.ts';
import type { Opaque } from './formats/shell-file.ts';

/** A word of a kernel command line and the file that it comes from. */
export interface PlacedWord extends KernelWord {
  readonly path: HostPath;
  readonly line: number;
}

/** A file, or a chain of files, from which command lines are made. */
export interface BootSource {
  readonly path: HostPath;
  readonly words: readonly PlacedWord[];
}

/** One entry of the boot menu, as it stands on the disk. */
export interface BootEntry {
  readonly name: string;
  readonly words: readonly PlacedWord[];
}

/** What the next boots would get, as far as it can be read. */
export interface BootLayers {
  /** Each of them has to have an argument; `undefined` where none is understood. */
  readonly sources: readonly BootSource[] | undefined;
  /** Why not, or why not all. */
  readonly opaque?: Opaque;
  /** `undefined` where they cannot be read. */
  readonly entries: readonly BootEntry[] | undefined;
  /** Entries that are edited in place, instead of being made anew from the sources. */
  readonly entriesStay?: boolean;
}

/** How far an argument has come on its way from a file to the running kernel. */
export type LayerStatus =
  | 'absent'
  | 'configured-not-generated'
  | 'pending-reboot'
  | 'active'
  | 'active-not-persistent'
  | 'active-but-ineffective';

/** @param effective Whether the running kernel shows what the argument is for. */
export const statusOf = (
  argument: string,
  layers: BootLayers,
  running: readonly KernelWord[],
  effective = true,
): LayerStatus => {
  const nextBoot = isGenerated(argument, layers);
  const configured = isConfigured(argument, layers);
  if (!satisfies(running, argument)) {
    if (nextBoot === true) return 'pending-reboot';
    if (configured !== true) return 'absent';
    return nextBoot === false ? 'configured-not-generated' : 'pending-reboot';
  }
  if (nextBoot === false && configured === true) return 'configured-not-generated';
  if (nextBoot === false || configured === false) return 'active-not-persistent';
  return effective ? 'active' : 'active-but-ineffective';
};

/** `undefined` where it cannot be told. */
export const isConfigured = (argument: string, { sources }: BootLayers): boolean | undefined =>
  sources?.every(({ words }) => satisfies(words, argument));

/** Whether every entry of the boot menu has it; `undefined` where they cannot be read. */
export const isGenerated = (argument: string, { entries }: BootLayers): boolean | undefined =>
  entries?.every(({ words }) => satisfies(words, argument));

/**
 * The arguments that no source has yet. What an opaque source holds is seen in the entries that were
 * made from it, and `own` are the words that we are known to have put there.
 */
export const missingFrom = (
  layers: BootLayers,
  wanted: readonly string[],
  own: readonly KernelWord[] = [],
): readonly string[] =>
  wanted.filter(
    (argument) =>
      (isConfigured(argument, layers) ?? isGenerated(argument, layers)) !== true &&
      !satisfies(own, argument),
  );

/** The arguments for which the entries have to be made anew. */
export const staleIn = (
  layers: BootLayers,
  wanted: readonly string[],
  missing: readonly string[],
): readonly string[] =>
  wanted.filter(
    (argument) => missing.includes(argument) || isGenerated(argument, layers) === false,
  );

/** The words that stand against an argument and would still be there after the entries are made anew. */
export const conflictsWith = (argument: string, layers: BootLayers): readonly PlacedWord[] =>
  lasting(layers).flatMap(({ words }) => contradictions(words, argument));

/** The command lines that stay as they are unless somebody edits them. */
export const lasting = ({
  sources,
  entries = [],
  entriesStay = false,
}: BootLayers): readonly { readonly words: readonly PlacedWord[] }[] =>
  sources === undefined || entriesStay ? [...(sources ?? []), ...entries] : sources;
