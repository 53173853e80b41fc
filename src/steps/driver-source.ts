import type { Change } from '../change.ts';
import type { Check, CheckResult } from '../check.ts';
import { type Build, buildOf, planBuild } from '../driver-source/build.ts';
import { explainCommand } from '../driver-source/explain.ts';
import { planInitramfs } from '../driver-source/initramfs.ts';
import {
  modulesToLoad,
  planInstall,
  planRemoval,
  readBuilt,
  recordOf,
} from '../driver-source/install.ts';
import {
  drivesPfs,
  headersThere,
  notNeededByOthers,
  placesFree,
  sameAsBefore,
  signatureAccepted,
  toolsThere,
  unlessBuilt,
} from '../driver-source/obstacles.ts';
import { installedPath, recordPath } from '../driver-source/places.ts';
import { readRecord, recordAction, type SourceRecord } from '../driver-source/record.ts';
import { readSource } from '../driver-source/source.ts';
import { modulesOfPfs, modulesOfPfsAndVfs } from '../driver-source/wanted.ts';
import type { HostFs, HostPath, HostView } from '../host.ts';
import { isNeededByOthers } from '../persist/record.ts';
import type { ResolvedSpec } from '../resolved-spec.ts';
import type { Step } from '../step.ts';
import { unloadCommand } from '../sysfs/commands.ts';
import { isSameBuild, readLoadedModule } from '../sysfs/module-build.ts';
import { kernelRelease } from '../sysfs/paths.ts';
import { findProgram } from '../sysfs/programs.ts';
import { readAttribute } from '../sysfs/read.ts';
import { forEachPf } from './checks.ts';
import { unloading } from './driver-reload.ts';
import { pfDriverBound, pfNamed } from './pf-netdev.ts';

/**
 * Builds the PFs' or VFs' driver from source, and loads it in the place of the kernel's own. It comes
 * before the stages that load drivers, which then find it.
 */
export const driverSource: Step = {
  id: 'driver-source',
  title: 'Drivers built from source',
  scope: 'host',
  asked: async (spec, { fs }) =>
    spec.driverSource !== undefined || (await fs.stat(recordPath)) !== undefined,
  skip: async ({ driverSource: path }, host) => {
    const found = path === undefined ? undefined : await readSource(host, path);
    return found?.state === 'unknown' ? found.because : undefined;
  },
  preflight: [
    {
      id: 'driver-source-usable',
      title: 'the source of the driver can be built',
      severity: 'error',
      run: async ({ driverSource: path }, host) => {
        if (path === undefined) return { status: 'pass' };
        const found = await readSource(host, path);
        if (found.state === 'unusable') return { ...found, status: 'fail' };
        return (await findBuild(path, host)) === undefined ? needsDkms(path) : { status: 'pass' };
      },
    },
    buildCheck('driver-source-drives', 'it builds a driver of the PFs or of their VFs', {
      look: async (build, spec, { fs }) => drivesPfs(build, await modulesOfPfsAndVfs(spec, fs)),
    }),
    buildCheck('kernel-headers', 'the headers of the running kernel are installed', {
      look: (build, _spec, host) => unlessBuilt(host, build, () => headersThere(host.fs, build)),
    }),
    buildCheck('build-tools', 'the programs that build a module are installed', {
      look: (build, _spec, host) => unlessBuilt(host, build, () => toolsThere(host.fs)),
    }),
    buildCheck('module-signature', 'the kernel will load what is built', {
      look: (build, _spec, host) => signatureAccepted(host, build),
    }),
    buildCheck('module-places', 'nobody else has installed the modules', {
      look: async (build, _spec, { fs }) => placesFree(fs, build, await readRecord(fs)),
    }),
    buildCheck('driver-source-same', 'no other source has been installed before', {
      look: async (build, _spec, { fs }) => sameAsBefore(build, await readRecord(fs)),
    }),
    buildCheck('module-holders', 'no other module needs those that are replaced', {
      look: async (build, _spec, host) =>
        notNeededByOthers(host.fs, await modulesToLoad(host, build, new Set())),
    }),
  ],
  plan: async (spec, host) => {
    const build = spec.driverSource && (await findBuild(spec.driverSource, host));
    return build === undefined ? [] : planSetup(build, spec, host);
  },
  teardown: async (spec, host) => {
    if (await isNeededByOthers(spec, host.fs)) return [];
    const record = await readRecord(host.fs);
    return record === undefined ? [] : planTeardown(record, host);
  },
  checks: [
    buildCheck('driver-source-loaded', 'what was built is what is loaded', {
      look: async (build, spec, host) =>
        loaded(host, build, await modulesOfPfsAndVfs(spec, host.fs)),
    }),
    buildCheck('pf-back', 'the PFs are there again', {
      look: (_build, spec, { fs }) => forEachPf(spec, ({ address }) => isBack(fs, address)),
    }),
  ],
  explain: async (error, { action }) =>
    action.kind === 'command' ? explainCommand(error, action.command) : undefined,
  settleMs: () => 30_000,
};

/** A check that has something to say only where a source is given that can be built. */
function buildCheck(
  id: string,
  title: string,
  { look }: { look: (build: Build, spec: ResolvedSpec, host: HostView) => Promise<CheckResult> },
): Check {
  return {
    id,
    title,
    severity: 'error',
    run: async (spec, host) => {
      const build = spec.driverSource && (await findBuild(spec.driverSource, host));
      return build === undefined ? { status: 'pass' } : look(build, spec, host);
    },
  };
}

const findBuild = async (path: HostPath, host: HostView): Promise<Build | undefined> => {
  const found = await readSource(host, path);
  if (found.state !== 'readable') return undefined;
  return buildOf(found.source, {
    release: (await readAttribute(host.fs, kernelRelease)) ?? 'unknown',
    withDkms: (await findProgram(host.fs, /^dkms$/)) !== undefined,
  });
};

const needsDkms = (path: string): CheckResult => ({
  status: 'fail',
  problem: `${path} has a dkms.conf and no Makefile with \`obj-m\`, and DKMS is not installed`,
  hint: 'Install the package dkms.',
});

/** The record comes first: it says what there may be, never less. */
const planSetup = async (
  build: Build,
  spec: ResolvedSpec,
  host: HostView,
): Promise<readonly Change[]> => {
  const { fs } = host;
  const record = await readRecord(fs);
  const ofPfs = await modulesOfPfs(spec, fs);
  const early = build.modules.some((module) => ofPfs.has(module));
  const action = recordAction(await recordOf(fs, build, early, record));
  const reason = 'what is installed, so that exactly this can be taken out again';
  const recording = (await fs.readText(recordPath)) === action.content ? [] : [{ action, reason }];
  const building = await planBuild(host, build, record);
  if (building.length > 0) return [...recording, ...building];
  const stale = await modulesToLoad(host, build, await modulesOfPfsAndVfs(spec, fs));
  const old = await loadedOf(fs, stale);
  const install = await planInstall(host, build, old);
  const unload = await unloading(host, old, {
    reason: 'another build of it takes its place',
    removal: 'recreate',
  });
  return [
    ...recording,
    ...install,
    ...(old.length === 0 ? [] : [install.length === 0 ? unload : withoutUndo(unload)]),
    ...stale.map((module) => loading(module, `it was built from ${build.source.path}`)),
    ...(install.length > 0 && early ? await initramfsOf(build, fs) : []),
  ];
};

const initramfsOf = ({ modules, release }: Build, fs: HostFs): Promise<readonly Change[]> =>
  planInitramfs(
    fs,
    release,
    modules.map((module) => installedPath(release, module)),
  );

/** What was installed before is loaded again when that is undone, which comes later. */
const withoutUndo = (change: Change): Change => ({ ...change, undo: 'irreversible' });

const planTeardown = async (record: SourceRecord, host: HostView): Promise<readonly Change[]> => {
  const names = record.modules.map(({ name }) => name);
  const loadedNow = await loadedOf(host.fs, names);
  const { installed, rest } = await planRemoval(host, record);
  const unload = await unloading(host, loadedNow, {
    reason: 'the kernel’s own takes its place',
    removal: 'force',
  });
  const own = record.modules.filter(({ inTree }) => inTree);
  return [
    ...installed,
    ...(loadedNow.length === 0 ? [] : [unload]),
    ...own.map(({ name }) => loading(name, 'it was replaced by one that was built from source')),
    ...rest,
  ];
};

const loadedOf = async (fs: HostFs, modules: readonly string[]): Promise<readonly string[]> => {
  const found: string[] = [];
  for (const module of modules) {
    if ((await readLoadedModule(fs, module)) !== undefined) found.push(module);
  }
  return found;
};

const loading = (module: string, reason: string): Change => ({
  action: { kind: 'module', module },
  reason,
  undo: [{ kind: 'command', command: unloadCommand([module]) }],
});

const loaded = async (
  host: HostView,
  build: Build,
  wanted: ReadonlySet<string>,
): Promise<CheckResult> => {
  const said: string[] = [];
  for (const module of build.modules) {
    const now = await readLoadedModule(host.fs, module);
    if (now === undefined && !wanted.has(module)) continue;
    if (!isSameBuild(now, await readBuilt(host, build, module))) {
      return { status: 'pending', awaited: `${module} to be loaded as it was built` };
    }
    said.push([module, now?.version].filter(Boolean).join(' '));
  }
  return { status: 'pass', detail: `${said.join(', ')} built from ${build.source.path}` };
};

/** A port that its driver has taken anew, under the name that udev gives it. */
const isBack = async (fs: HostFs, address: string): Promise<CheckResult> => {
  const bound = await pfDriverBound(fs, address);
  return bound.status === 'pass' ? pfNamed(fs, address) : bound;
};
