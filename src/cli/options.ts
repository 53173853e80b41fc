import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Permission } from '../change.ts';
import { SriovctlError } from '../errors.ts';
import { type PersistMechanism, persistMechanisms } from '../resolved-spec.ts';
import type { NodeSpecInput } from '../spec/node-spec.ts';
import type { Step } from '../step.ts';
import { addKubeFlags, type KubeFlags, kubeFromFlags } from './kube-flags.ts';
import { addPfOptions, type PfFlags } from './pf-flags.ts';

/** What the flags of `setup`, `verify` and `teardown` have in common, after parsing. */
export interface StageFlags extends KubeFlags {
  readonly config?: string;
  readonly nodeLabel?: Readonly<Record<string, string>>;
  readonly pf?: PfFlags;
  readonly vfs?: PfFlags;
  readonly iommu?: 'auto' | 'on' | 'off';
  readonly kernelArg?: readonly string[];
  readonly grubFile?: boolean;
  readonly driverSource?: string;
  /** `false` is --no-persist. */
  readonly persist?: PersistMechanism | false;
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  readonly simulate?: string;
}

/** Adds the flags that name PFs and their VFs. */
export const addPfFlags = (command: Command): Command =>
  addPfOptions(command)
    .option(
      '--config <file>',
      'a spec file; flags override it (/etc/sriovctl/node.yaml when it exists and no --pf is given)',
    )
    .option(
      '--node-label <key=value>',
      'a label of this node, for spec files that choose by label (repeatable)',
      (text: string, before: Readonly<Record<string, string>> | undefined) => {
        const [, key, value] = /^([^=]+)=(.*)$/.exec(text) ?? [];
        if (key === undefined) throw new InvalidArgumentError('It is written KEY=VALUE.');
        return { ...before, [key]: value ?? '' };
      },
    );

/** Adds the flags that choose stages, cluster and host. */
export const addStageFlags = (command: Command, steps: readonly Step[]): Command => {
  const ids = steps.map(({ id }) => id);
  const stageList = (text: string, before: readonly string[] = []): readonly string[] => {
    const asked = text.split(',');
    const unknown = asked.find((id) => !ids.includes(id));
    if (unknown !== undefined) {
      throw new InvalidArgumentError(`There is no stage ${unknown}. Stages: ${ids.join(', ')}.`);
    }
    return [...before, ...asked];
  };
  command
    .optionsGroup('Host:')
    .addOption(
      new Option(
        '--iommu <mode>',
        'whether an IOMMU is wanted; auto asks for it where a VF needs it',
      ).choices(['auto', 'on', 'off']),
    )
    .option(
      '--kernel-arg <argument>',
      'a kernel argument to keep, for example pci=realloc (repeatable)',
      (text: string, before: readonly string[] | undefined): readonly string[] => [
        ...(before ?? []),
        text,
      ],
    )
    .option('--grub-file', 'edit /etc/default/grub in place instead of adding a file of our own')
    .option(
      '--driver-source <path>',
      'a folder or tarball with the source of a driver, to be built and loaded instead of the kernel’s own',
      (path: string) => resolve(path),
    )
    .addOption(
      new Option('--persist <mechanism>', 'what makes the VFs again after a boot').choices(
        persistMechanisms,
      ),
    )
    .option('--no-persist', 'set nothing up for the next boot')
    .option('--simulate <dir>', 'work on a captured host tree instead of this host')
    .optionsGroup('Stages:')
    .option('--only <stages>', `run these stages only (${ids.join(', ')})`, stageList)
    .option('--skip <stages>', 'leave these stages out', stageList)
    .optionsGroup('Cluster:');
  return addKubeFlags(command).optionsGroup('Options:');
};

/** The spec that flags say, over that of a file; the schema finds what is wrong with it. */
export const specFromFlags = (
  flags: StageFlags,
  { vfsByDefault, file }: { readonly vfsByDefault?: number; readonly file?: NodeSpecInput } = {},
): NodeSpecInput => {
  const named = pfsFromFlags(flags, file?.pfs ?? [], vfsByDefault);
  return {
    ...file,
    pfs: named.length > 0 ? named : (file?.pfs ?? []),
    ...(flags.iommu !== undefined && { iommu: flags.iommu }),
    ...bootFromFlags(flags, file),
    ...(flags.driverSource !== undefined && { driverSource: flags.driverSource }),
    ...(flags.persist !== undefined && { persist: flags.persist || ('none' as const) }),
    kube: kubeFromFlags(flags, file),
  };
};

const bootFromFlags = (
  { kernelArg, grubFile }: StageFlags,
  file: NodeSpecInput | undefined,
): Pick<NodeSpecInput, 'boot'> =>
  kernelArg === undefined && grubFile === undefined
    ? {}
    : {
        boot: {
          ...file?.boot,
          ...(kernelArg !== undefined && { kernelArgs: [...kernelArg] }),
          ...(grubFile !== undefined && { grubFile }),
        },
      };

/** A PF that a file has too keeps what the flags do not say. */
const pfsFromFlags = (
  flags: StageFlags,
  inFile: NodeSpecInput['pfs'],
  vfsByDefault: number | undefined,
): NodeSpecInput['pfs'] => {
  const given = flags.pf ?? [];
  return given.map(({ pf, vfs, ...more }) => {
    const own = inFile.find((entry) => entry.pf === pf);
    const count = vfs ?? own?.vfs ?? vfsByDefault;
    if (count !== undefined) return { ...own, ...more, pf, vfs: count };
    throw new SriovctlError('VFS_MISSING', `--pf ${pf} says no number of VFs`, {
      exit: 'usage',
      hint: `Write --pf ${pf} --vfs 4.`,
    });
  });
};

export const chosenSteps = (
  steps: readonly Step[],
  { only, skip = [], kube }: StageFlags,
): readonly Step[] =>
  steps.filter(
    ({ id, scope }) =>
      (only === undefined || only.includes(id)) &&
      !skip.includes(id) &&
      !(scope === 'cluster' && kube === false),
  );

export const permissionsOf = (flags: {
  readonly recreate?: boolean;
  readonly force?: boolean;
  readonly forceConflicts?: boolean;
}): ReadonlySet<Permission> =>
  new Set<Permission>([
    ...(flags.recreate === true ? (['recreate'] as const) : []),
    ...(flags.force === true ? (['force'] as const) : []),
    ...(flags.forceConflicts === true ? (['force-conflicts'] as const) : []),
  ]);
