import type { Change } from '../change.ts';
import type { Check, CheckResult } from '../check.ts';
import { type Build, buildOf, planBuild } from '../driver-source/build.ts';
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
import { commandLine, type HostError } from '../errors.ts';
import type { Problem } from '../events.ts';
import type { Command, HostFs, HostPath, HostView } from '../host.ts';
import type { ResolvedSpec } from '../resolved-spec.ts';
import type { Step } from '../step.ts';
import { unloadCommand, unloadedBy } from '../sysfs/commands.ts';
import { moduleForFunction, moduleForVfs, moduleOfDriver } from '../sysfs/module.ts';
import { isSameBuild, readLoadedModule } from '../sysfs/module-build.ts';
import { awaitsUdev, netdevOf } from '../sysfs/netdev.ts';
import { kernelRelease } from '../sysfs/paths.ts';
import { readPf } from '../sysfs/pci-device.ts';
import { findProgram } from '../sysfs/programs.ts';
import { readAttribute } from '../sysfs/read.ts';
import { forEachPf } from './checks.ts';
import { unloading } from './driver-reload.ts';

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
      look: async (build, spec, { fs }) => drivesPfs(build, await wantedModules(spec, fs)),
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
  teardown: async (_spec, host) => {
    const record = await readRecord(host.fs);
    return record === undefined ? [] : planTeardown(record, host);
  },
  checks: [
    buildCheck('driver-source-loaded', 'what was built is what is loaded', {
      look: async (build, spec, host) => loaded(host, build, await wantedModules(spec, host.fs)),
    }),
    buildCheck('pf-back', 'the PFs are there again', {
      look: (_build, spec, { fs }) => forEachPf(spec, ({ address }) => isBack(fs, address)),
    }),
  ],
  explain: async (error, { action }) =>
    action.kind === 'command' ? explainBuild(error, action.command.argv) : undefined,
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

/** Drivers of the PFs, and of their VFs, as modules. */
const wantedModules = async (spec: ResolvedSpec, fs: HostFs): Promise<ReadonlySet<string>> => {
  const modules = new Set(await pfModules(spec, fs));
  for (const { address } of spec.pfs) {
    const pf = await readPf(fs, address);
    const module = pf && (await moduleForVfs(fs, pf));
    if (module !== undefined) modules.add(module);
  }
  return modules;
};

const pfModules = async ({ pfs }: ResolvedSpec, fs: HostFs): Promise<ReadonlySet<string>> => {
  const modules = new Set<string>();
  for (const { address } of pfs) {
    const pf = await readPf(fs, address);
    if (pf === undefined) continue;
    const bound = pf.driver && ((await moduleOfDriver(fs, pf.driver)) ?? pf.driver);
    for (const module of [bound, await moduleForFunction(fs, pf)]) {
      if (module !== undefined && module !== '') modules.add(module);
    }
  }
  return modules;
};

/** The record comes first: it says what there may be, never less. */
const planSetup = async (
  build: Build,
  spec: ResolvedSpec,
  host: HostView,
): Promise<readonly Change[]> => {
  const { fs } = host;
  const record = await readRecord(fs);
  const ofPfs = await pfModules(spec, fs);
  const early = build.modules.some((module) => ofPfs.has(module));
  const action = recordAction(await recordOf(fs, build, early, record));
  const reason = 'what is installed, so that exactly this can be taken out again';
  const recording = (await fs.readText(recordPath)) === action.content ? [] : [{ action, reason }];
  const building = await planBuild(host, build, record);
  if (building.length > 0) return [...recording, ...building];
  const stale = await modulesToLoad(host, build, await wantedModules(spec, fs));
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
  const pf = await readPf(fs, address);
  if (pf?.driver === undefined) {
    return { status: 'pending', awaited: `a driver to bind to ${address}` };
  }
  const netdev = await netdevOf(fs, address);
  return netdev !== undefined && (await awaitsUdev(fs, netdev))
    ? { status: 'pending', awaited: `udev to rename ${netdev} (${address})` }
    : { status: 'pass' };
};

/** What a compiler complains of is above the lines in which make(1) says that it has stopped. */
const explainBuild = async (
  error: HostError,
  argv: Command['argv'],
): Promise<Problem | undefined> => {
  const what = commandLine({ argv: argv.slice(0, 6) as [string] });
  if (error.errno === 'ETIMEDOUT' && isBuilding(argv)) {
    return {
      code: 'DRIVER_BUILD_TIMED_OUT',
      problem: `the driver was not built in time: ${error.message}`,
      hint: `Run ${what} … by hand to see what takes so long.`,
    };
  }
  if (error.errno !== 'EXIT') return undefined;
  if (isBuilding(argv)) {
    const lines = error.output.trimEnd().split('\n');
    const telling = lines.filter((line) => /\berror\b|undefined|No such file/i.test(line));
    const shown = (telling.length > 0 ? telling : lines).slice(-8);
    return {
      code: 'DRIVER_NOT_BUILT',
      problem: `the driver was not built: ${error.subject} ended with an error:\n${shown.map((line) => `    ${line}`).join('\n')}`,
      hint: 'The source may be for another kernel: see which kernels it says it is for.',
    };
  }
  if (unloadedBy({ argv }).length > 0) {
    return {
      code: 'MODULE_IN_USE',
      problem: `${unloadedBy({ argv }).join(', ')} cannot be unloaded: ${error.message}`,
      hint: 'End what uses it; `lsmod` names the modules that do.',
    };
  }
  return undefined;
};

const isBuilding = (argv: readonly string[]): boolean =>
  argv[0] === 'make' || (argv[0] === 'dkms' && argv[1] === 'build');
