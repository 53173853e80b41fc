import type { HostView } from '../host.ts';
import type { ResolvedSpec } from '../resolved-spec.ts';
import {
  iommuDisabled,
  type KernelWord,
  readRunningCmdline,
  vfsPrevented,
} from '../sysfs/cmdline.ts';
import { type Iommu, readIommu } from '../sysfs/iommu.ts';
import type { BootSystem } from './boot-system.ts';
import {
  type BootLayers,
  conflictsWith,
  type LayerStatus,
  lasting,
  missingFrom,
  type PlacedWord,
  statusOf,
} from './layers.ts';
import { detectBootSystem } from './systems/index.ts';
import { intelArgument, needsIommu, wantedArguments } from './wanted.ts';

/** What a spec wants of the kernel command line, and how things stand with it. */
export interface Outlook {
  readonly iommu: Iommu;
  readonly wanted: readonly string[];
  readonly running: readonly KernelWord[];
  /** Left out where nothing is wanted of it: its files need not be readable then. */
  readonly boot?: BootOutlook;
}

/** A word that stands against what is wanted and will still do so after a reboot. */
export interface Conflict {
  readonly word: PlacedWord;
  /** An argument, or what else it prevents. */
  readonly against: string;
}

export interface BootOutlook {
  readonly system: BootSystem;
  readonly layers: BootLayers;
  /** Still to be put in. */
  readonly missing: readonly string[];
  readonly conflicts: readonly Conflict[];
}

export const readOutlook = async (spec: ResolvedSpec, host: HostView): Promise<Outlook> => {
  const iommu = await readIommu(host.fs);
  const wanted = wantedArguments(spec, iommu);
  const running = await readRunningCmdline(host.fs);
  const outlook = { iommu, wanted, running };
  const needed = wanted.length > 0 || needsIommu(spec) || vfsPrevented(running).length > 0;
  return needed ? { ...outlook, boot: await readBoot(spec, host, outlook) } : outlook;
};

/** @see statusOf */
export const statusIn = ({ iommu, running, boot }: Outlook, argument: string): LayerStatus => {
  const layers = boot?.layers ?? { sources: undefined, entries: undefined };
  const effective = argument !== intelArgument || iommu.state !== 'absent-in-firmware';
  return statusOf(argument, layers, running, effective);
};

const readBoot = async (
  spec: ResolvedSpec,
  host: HostView,
  { iommu, wanted, running }: Outlook,
): Promise<BootOutlook> => {
  const system = await detectBootSystem(host, spec.boot ?? {});
  const layers = await system.read(host);
  const blind = layers.sources === undefined && layers.entries === undefined;
  // Where nothing can be read, what runs is the only witness.
  const missing = missingFrom(layers, wanted, blind ? running : []);
  const conflicts = [
    ...wanted.flatMap((argument) => against(argument, conflictsWith(argument, layers))),
    ...lasting(layers).flatMap(({ words }) => [
      ...(needsIommu(spec) ? against('an IOMMU', iommuDisabled(words, vendorKey(iommu))) : []),
      ...(spec.pfs.some(({ vfs }) => vfs > 0) ? against('VFs', vfsPrevented(words)) : []),
    ]),
  ];
  return { system, layers, missing, conflicts: uniqueByPlace(conflicts) };
};

const against = (what: string, words: readonly PlacedWord[]): readonly Conflict[] =>
  words.map((word) => ({ word, against: what }));

const vendorKey = ({ vendor }: Iommu): string | undefined =>
  vendor === 'intel' || vendor === 'amd' ? `${vendor}_iommu` : undefined;

/** The first of those that name the same word, which names the wanted argument. */
const uniqueByPlace = (conflicts: readonly Conflict[]): readonly Conflict[] =>
  conflicts.filter(
    ({ word }, index) =>
      index ===
      conflicts.findIndex(
        (other) => placeOf(other.word) === placeOf(word) && other.word.text === word.text,
      ),
  );

export const placeOf = ({ path, line }: PlacedWord): string => `${path}:${line}`;

/** Whether somebody switched the IOMMU off for this boot alone. */
export const isOffOnlyNow = ({ iommu, running, boot }: Outlook): boolean =>
  iommuDisabled(running, vendorKey(iommu)).length > 0 && (boot?.conflicts ?? []).length === 0;
