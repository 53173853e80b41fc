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
  lasting,
  type LayerStatus,
  missingFrom,
  type PlacedWord,
  statusOf,
} from './layers.ts';
import { detectBootSystem } from './systems/index.ts';
import { needsIommu, wantedArguments } from './wanted.ts';

/** What a spec wants of the kernel command line, and how things stand with it. */
export interface Outlook {
  readonly iommu: Iommu;
  readonly wanted: readonly string[];
  readonly running: readonly KernelWord[];
  /** Left out where nothing is wanted of it: its files need not be readable then. */
  readonly boot?: BootOutlook;
}

export interface BootOutlook {
  readonly system: BootSystem;
  readonly layers: BootLayers;
  /** Still to be put in. */
  readonly missing: readonly string[];
  /** Words that stand against what is wanted and will still do so after a reboot. */
  readonly conflicts: readonly PlacedWord[];
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
  const effective = argument !== 'intel_iommu=on' || iommu.state === 'active';
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
  const against = [
    ...wanted.flatMap((argument) => conflictsWith(argument, layers)),
    ...lasting(layers).flatMap(({ words }) => [
      ...(needsIommu(spec) ? iommuDisabled(words, vendorKey(iommu)) : []),
      ...(spec.pfs.some(({ vfs }) => vfs > 0) ? vfsPrevented(words) : []),
    ]),
  ];
  return { system, layers, missing, conflicts: uniqueByPlace(against) };
};

const vendorKey = ({ vendor }: Iommu): string | undefined =>
  vendor === 'intel' || vendor === 'amd' ? `${vendor}_iommu` : undefined;

const uniqueByPlace = (words: readonly PlacedWord[]): readonly PlacedWord[] => [
  ...new Map(words.map((word) => [`${word.path}:${word.line} ${word.text}`, word])).values(),
];

/** Whether somebody switched the IOMMU off for this boot alone. */
export const isOffOnlyNow = ({ iommu, running, boot }: Outlook): boolean =>
  iommuDisabled(running, vendorKey(iommu)).length > 0 && (boot?.conflicts ?? []).length === 0;
