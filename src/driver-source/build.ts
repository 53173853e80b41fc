import { posix } from 'node:path';
import type { Change } from '../change.ts';
import { SriovctlError } from '../errors.ts';
import type { Command, HostFs, HostPath, HostView } from '../host.ts';
import { readModuleFile } from '../sysfs/module-build.ts';
import { installedModuleFile } from '../sysfs/module-state.ts';
import { countProcessors } from '../sysfs/processors.ts';
import {
  copiedPath,
  copyFolder,
  dkmsSource,
  dkmsTree,
  installedPath,
  kernelBuild,
  modulesOfRelease,
} from './places.ts';
import type { SourceRecord } from './record.ts';
import { type DriverSource, fingerprintOf } from './source.ts';

/** How a source becomes modules of one kernel. */
export interface Build {
  readonly source: DriverSource;
  readonly release: string;
  /** Without it kbuild does all. */
  readonly dkms?: { readonly name: string; readonly version: string };
  /** The folder of the copy that kbuild or DKMS is given. */
  readonly folder: HostPath;
  readonly modules: readonly string[];
}

/** How long a build may take, in milliseconds: a driver with a hundred files takes minutes. */
const buildMs = 900_000;

/** DKMS builds a source again for each new kernel, so it is used where source and host have it. */
export const buildOf = (
  source: DriverSource,
  { release, withDkms }: { readonly release: string; readonly withDkms: boolean },
): Build | undefined => {
  const { kbuild, dkms } = source;
  const [made, by] = withDkms && dkms !== undefined ? [dkms, { dkms }] : [kbuild, {}];
  if (made === undefined) return undefined;
  const folder = posix.join(copyFolder, made.folder) as HostPath;
  return { source, release, folder, modules: made.modules, ...by };
};

/**
 * What is needed until all modules are built for the running kernel. A build is made in a copy: the
 * user's folder stays as it is, and may be read-only.
 */
export const planBuild = async (
  host: HostView,
  build: Build,
  record: SourceRecord | undefined,
): Promise<readonly Change[]> => {
  const { fs } = host;
  const fingerprint = await fingerprintOf(host, build.source);
  const copied = (await fs.readText(copiedPath)) === `${fingerprint}\n`;
  if (copied && (await isBuilt(host, build))) return [];
  return [
    ...(copied ? [] : await planCopy(fs, build, record, fingerprint)),
    ...(build.dkms === undefined
      ? [making(build, await countProcessors(fs))]
      : await planDkmsBuild(fs, build, build.dkms, copied)),
  ];
};

/** The built file of a module. */
export const builtFile = async (
  fs: HostFs,
  { dkms, folder, release }: Pick<Build, 'dkms' | 'folder' | 'release'>,
  module: string,
): Promise<HostPath | undefined> => {
  if (dkms === undefined) return `${folder}/${module}.ko`;
  const kernel: HostPath = `${dkmsTree(dkms.name)}/${dkms.version}/${release}`;
  for (const architecture of (await fs.list(kernel)) ?? []) {
    const at: HostPath = `${kernel}/${architecture}/module`;
    const file = ((await fs.list(at)) ?? []).find((name) => name.split('.ko')[0] === module);
    if (file !== undefined) return `${at}/${file}`;
  }
  return undefined;
};

/** The file that is to be loaded, as far as it is installed by us; DKMS chooses its folder. */
export const installedFile = async (
  fs: HostFs,
  { dkms, release }: Pick<Build, 'dkms' | 'release'>,
  module: string,
): Promise<HostPath | undefined> => {
  if (dkms === undefined) return installedPath(release, module);
  const file = await installedModuleFile(fs, module);
  return file === undefined || file.startsWith('kernel/')
    ? undefined
    : `${modulesOfRelease(release)}/${file}`;
};

const isBuilt = async (host: HostView, build: Build): Promise<boolean> => {
  for (const module of build.modules) {
    const file = await builtFile(host.fs, build, module);
    const built = file && (await readModuleFile(host, file));
    if (built?.release !== build.release) return false;
    if (built.srcversion === undefined && built.version === undefined) throw untold(module);
  }
  return true;
};

const untold = (module: string): SriovctlError =>
  new SriovctlError(
    'DRIVER_SOURCE_UNTOLD',
    `${module} was built without srcversion and version: nothing tells it from another build of it`,
    { exit: 'failed', hint: 'Add a MODULE_VERSION("…") to its source.' },
  );

const planCopy = async (
  fs: HostFs,
  { source, dkms }: Build,
  record: SourceRecord | undefined,
  fingerprint: string,
): Promise<readonly Change[]> => {
  const stale = (await fs.stat(copyFolder)) !== undefined;
  const old = record?.dkms;
  const registered =
    old !== undefined && (await fs.stat(`${dkmsTree(old.name)}/${old.version}`)) !== undefined;
  return [
    ...(registered ? [leavingDkms(old)] : []),
    ...(registered && dkms !== undefined ? [removing([dkmsSource(old)])] : []),
    ...(stale ? [removing([copyFolder, copiedPath])] : []),
    {
      action: { kind: 'command', command: copying(source) },
      reason: `what is built of ${source.path} is kept apart from it`,
      undo: [removing([copyFolder]).action],
    },
    {
      action: { kind: 'file', path: copiedPath, content: `${fingerprint}\n`, mode: 0o600 },
      reason: 'all of the source has been copied',
    },
  ];
};

const copying = ({ kind, path }: DriverSource): Command =>
  kind === 'folder'
    ? { argv: ['cp', '-RT', '--preserve=mode,timestamps', '--', path, copyFolder] }
    : {
        argv: [
          ...(['tar', '--force-local', `--one-top-level=${copyFolder}`] as const),
          ...['--no-same-owner', '-xf', path],
        ],
      };

/** Removes folders that are ours with all that is in them. */
export const removing = (paths: readonly HostPath[]): Change => ({
  action: { kind: 'command', command: { argv: ['rm', '-rf', '--', ...paths] } },
  reason: 'it was made of what is no longer wanted',
  undo: 'irreversible',
});

/**
 * `clean` first: what was built for another kernel, or came with the source, is of no use. Without a
 * digest of its source nothing would tell the module from the kernel's own.
 */
const making = ({ folder, release, modules }: Build, jobs: number): Change => ({
  action: {
    kind: 'command',
    command: {
      argv: [
        ...(['make', `-j${jobs}`, '-C', kernelBuild(release), `M=${folder}`] as const),
        ...['CONFIG_MODULE_SRCVERSION_ALL=y', 'clean', 'modules'],
      ],
      timeoutMs: buildMs,
    },
  },
  reason: `${modules.join(', ')} for the running kernel`,
  undo: 'irreversible',
});

const planDkmsBuild = async (
  fs: HostFs,
  { folder, release, modules }: Build,
  dkms: NonNullable<Build['dkms']>,
  copied: boolean,
): Promise<readonly Change[]> => {
  const added = (await fs.stat(`${dkmsTree(dkms.name)}/${dkms.version}/source`)) !== undefined;
  const source = dkmsSource(dkms);
  return [
    ...(added && copied
      ? []
      : [
          {
            action: { kind: 'command', command: { argv: ['cp', '-RT', '--', folder, source] } },
            reason: 'where DKMS looks for sources',
            undo: [removing([source]).action],
          } as const,
          {
            action: { kind: 'command', command: dkmsCommand('add', dkms) },
            reason: 'DKMS builds it again for each new kernel',
            undo: [leavingDkms(dkms).action],
          } as const,
        ]),
    {
      action: {
        kind: 'command',
        command: { ...dkmsCommand('build', dkms, '-k', release), timeoutMs: buildMs },
      },
      reason: `${modules.join(', ')} for the running kernel`,
      undo: 'irreversible',
    },
  ];
};

export const dkmsCommand = (
  verb: string,
  { name, version }: NonNullable<Build['dkms']>,
  ...more: readonly string[]
): Command => ({ argv: ['dkms', verb, '-m', name, '-v', version, ...more], timeoutMs: 300_000 });

/** Takes a source out of DKMS, with all that it has built and installed of it. */
export const leavingDkms = (dkms: NonNullable<Build['dkms']>): Change => ({
  action: { kind: 'command', command: dkmsCommand('remove', dkms, '--all') },
  reason: `DKMS no longer looks after ${dkms.name}`,
  undo: 'irreversible',
});
