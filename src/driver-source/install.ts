import type { Change } from '../change.ts';
import type { Action, Command, HostFs, HostPath, HostView } from '../host.ts';
import {
  isSameBuild,
  type ModuleBuild,
  readLoadedModule,
  readModuleFile,
} from '../sysfs/module-build.ts';
import { installedModuleFile } from '../sysfs/module-state.ts';
import {
  type Build,
  builtFile,
  dkmsCommand,
  installedFile,
  leavingDkms,
  removing,
} from './build.ts';
import { planInitramfs } from './initramfs.ts';
import {
  dkmsSource,
  installedPath,
  modulesOfRelease,
  sourceFolder,
  updatesFolder,
} from './places.ts';
import type { SourceRecord } from './record.ts';

/**
 * What puts the built modules where modprobe(8) takes them from. A rollback loads those that were
 * loaded before once the kernel's own are found again.
 */
export const planInstall = async (
  host: HostView,
  build: Build,
  loaded: readonly string[],
): Promise<readonly Change[]> => {
  const { fs } = host;
  const { dkms, release } = build;
  const missing: string[] = [];
  for (const module of build.modules) {
    if (!(await isInstalled(host, build, module))) missing.push(module);
  }
  const back = loaded.map((module): Action => ({ kind: 'module', module }));
  if (missing.length === 0) return [];
  if (dkms !== undefined) return [installingWithDkms(dkms, release, back)];
  const madeFolder = (await fs.stat(updatesFolder(release))) === undefined;
  const registration = registering(release);
  // Changes are undone last first: that of the first module comes after the others' files are gone.
  const last = [...(madeFolder ? [emptying(release).action] : []), registration.action, ...back];
  return [
    ...missing.map((module, index) => installing(build, module, index === 0 ? last : [])),
    { ...registration, undo: 'irreversible' },
  ];
};

/** Modules that are loaded as they were before, or not at all, although they are to be those that were built. */
export const modulesToLoad = async (
  host: HostView,
  build: Build,
  wanted: ReadonlySet<string>,
): Promise<readonly string[]> => {
  const stale: string[] = [];
  for (const module of build.modules) {
    const loaded = await readLoadedModule(host.fs, module);
    if (loaded === undefined && !wanted.has(module)) continue;
    if (!isSameBuild(loaded, await readBuilt(host, build, module))) stale.push(module);
  }
  return stale;
};

export const readBuilt = async (
  host: HostView,
  build: Build,
  module: string,
): Promise<ModuleBuild | undefined> => {
  const file = await builtFile(host.fs, build, module);
  return file && readModuleFile(host, file);
};

/** Everything of a record taken out of the host again, but what is loaded. */
export const planRemoval = async (
  { fs }: HostView,
  record: SourceRecord,
): Promise<{ readonly installed: readonly Change[]; readonly rest: readonly Change[] }> => {
  const { dkms, early } = record;
  const releases: string[] = [];
  for (const release of record.releases) {
    if ((await fs.stat(modulesOfRelease(release))) !== undefined) releases.push(release);
  }
  const rest: Change[] = [];
  for (const release of early ? releases : []) {
    const after = record.modules.map(({ name }) => installedPath(release, name));
    rest.push(...(await planInitramfs(fs, release, after)));
  }
  if (dkms !== undefined) {
    const folders = [dkmsSource(dkms), sourceFolder];
    return { installed: [leavingDkms(dkms)], rest: [...rest, removing(folders)] };
  }
  rest.push(removing([sourceFolder]));
  const installed: Change[] = [];
  for (const release of releases) {
    const files = record.modules.map(({ name }) => installedPath(release, name));
    installed.push(removing(files));
    if (record.madeFolderFor.includes(release)) installed.push(emptying(release));
    installed.push({ ...registering(release), undo: 'irreversible' });
  }
  return { installed, rest };
};

const isInstalled = async (host: HostView, build: Build, module: string): Promise<boolean> => {
  const { fs } = host;
  const file = await installedFile(fs, build, module);
  const installed = file && (await readModuleFile(host, file));
  if (installed === undefined) return false;
  const registered = await installedModuleFile(fs, module);
  return (
    file === `${modulesOfRelease(build.release)}/${registered ?? ''}` &&
    isSameBuild(installed, await readBuilt(host, build, module))
  );
};

const installing = (
  { folder, release }: Build,
  module: string,
  after: readonly Action[],
): Change => {
  const path = installedPath(release, module);
  return {
    action: {
      kind: 'command',
      command: { argv: ['install', '-D', '-m', '0644', '--', `${folder}/${module}.ko`, path] },
    },
    reason: `modprobe prefers it to the kernel's own ${module}`,
    undo: [removing([path]).action, ...after],
  };
};

const installingWithDkms = (
  dkms: NonNullable<Build['dkms']>,
  release: string,
  after: readonly Action[],
): Change => ({
  action: {
    kind: 'command',
    command: dkmsCommand('install', dkms, '-k', release, '--force'),
  },
  reason: "modprobe prefers it to the kernel's own modules",
  undo: [{ kind: 'command', command: dkmsCommand('uninstall', dkms, '-k', release) }, ...after],
});

const registering = (release: string) => ({
  action: { kind: 'command', command: depmod(release) } satisfies Action,
  reason: 'modprobe looks modules up in what depmod has found',
});

const depmod = (release: string): Command => ({ argv: ['depmod', release], timeoutMs: 120_000 });

/** The folder for updates, where it was made for ours and holds no others'. */
const emptying = (release: string): Change => ({
  action: {
    kind: 'command',
    command: { argv: ['rmdir', '--ignore-fail-on-non-empty', '--', updatesFolder(release)] },
  },
  reason: 'the folder was made for what is no longer there',
  undo: 'irreversible',
});

/** The record that a build needs, with what earlier runs have put there. */
export const recordOf = async (
  fs: HostFs,
  { source, dkms, modules, release }: Build,
  early: boolean,
  old: SourceRecord | undefined,
): Promise<SourceRecord> => {
  const madeFolder =
    old?.releases.includes(release) === true
      ? old.madeFolderFor.includes(release)
      : (await fs.stat(updatesFolder(release))) === undefined;
  return {
    source: source.path satisfies HostPath,
    ...(dkms !== undefined && { dkms: { name: dkms.name, version: dkms.version } }),
    modules: await Promise.all(
      modules.map(
        async (name) =>
          old?.modules.find((module) => module.name === name) ?? {
            name,
            inTree: (await installedModuleFile(fs, name)) !== undefined,
          },
      ),
    ),
    early: early || old?.early === true,
    releases: union(old?.releases, [release]),
    madeFolderFor: union(old?.madeFolderFor, madeFolder ? [release] : []),
  };
};

const union = (before: readonly string[] = [], more: readonly string[]): string[] => [
  ...new Set([...before, ...more]),
];
