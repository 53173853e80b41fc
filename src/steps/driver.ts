import type { Change } from '../change.ts';
import type { CheckResult } from '../check.ts';
import type { HostError } from '../errors.ts';
import type { Problem } from '../events.ts';
import type { HostFs, HostView } from '../host.ts';
import type { ResolvedPf } from '../resolved-spec.ts';
import type { Step } from '../step.ts';
import { unbinding } from '../sysfs/binding.ts';
import { packageWithModules } from '../sysfs/distribution.ts';
import { sourceOfVfDriver } from '../sysfs/known-drivers.ts';
import { isDriverPresent, moduleForFunction, moduleForVfs } from '../sysfs/module.ts';
import { type ModuleState, moduleState } from '../sysfs/module-state.ts';
import { pciDriversProbe } from '../sysfs/paths.ts';
import { type PhysicalFunction, readPf } from '../sysfs/pci-device.ts';
import { kernelDriver, wantedDrivers } from '../sysfs/vf-settings.ts';
import { forEachPf } from './checks.ts';
import { pfDriverBound, pfNamed } from './pf-netdev.ts';

/**
 * The PF needs its driver to make VFs, and the VFs' driver has to be there before they are: VFs
 * made without it stay without netdev, and no error tells so.
 */
export const driver: Step = {
  id: 'driver',
  title: 'PF and VF drivers',
  scope: 'host',
  preflight: [
    {
      id: 'pf-driver-available',
      title: 'the driver of each PF can be had',
      severity: 'error',
      run: (spec, host) => forEachPf(spec, (wanted) => pfDriverAvailable(host, wanted)),
    },
    {
      id: 'vf-driver-available',
      title: 'the drivers of the VFs can be had',
      severity: 'error',
      run: (spec, host) => forEachPf(spec, (wanted) => vfDriversAvailable(host, wanted)),
    },
  ],
  plan: async (spec, { fs }) => {
    const changes: Change[] = [];
    for (const wanted of spec.pfs) {
      const pf = await readPf(fs, wanted.address);
      if (pf === undefined) continue;
      changes.push(...(await planPfDriver(fs, pf)), ...(await planVfDrivers(fs, pf, wanted)));
    }
    return uniqueModules(changes);
  },
  checks: [
    {
      id: 'pf-driver-bound',
      title: 'each PF has its driver',
      severity: 'error',
      run: (spec, { fs }) => forEachPf(spec, ({ address }) => pfDriverBound(fs, address)),
    },
    {
      id: 'pf-name',
      title: 'udev has named the netdev of each PF',
      severity: 'warning',
      run: (spec, { fs }) => forEachPf(spec, ({ address }) => pfNamed(fs, address)),
    },
  ],
  explain: async (error, { action }, _spec, host) =>
    action.kind === 'module' ? notLoaded(host, action.module, error) : undefined,
};

const planPfDriver = async (fs: HostFs, pf: PhysicalFunction): Promise<readonly Change[]> => {
  if (pf.driver !== undefined) return [];
  const module = await moduleForFunction(fs, pf);
  if (module === undefined) return [];
  if (!(await isDriverPresent(fs, module))) {
    return [load(module, `${pf.address} has no driver bound; ${module} drives it`)];
  }
  return [
    {
      action: { kind: 'trigger', path: pciDriversProbe, value: pf.address },
      reason: `${pf.address} has no driver bound, and ${module} is loaded`,
      undo: [unbinding(pf.address)],
    },
  ];
};

const planVfDrivers = async (
  fs: HostFs,
  pf: PhysicalFunction,
  wanted: ResolvedPf,
): Promise<readonly Change[]> => {
  const changes: Change[] = [];
  for (const module of await vfModules(fs, pf, wanted)) {
    if (await isDriverPresent(fs, module)) continue;
    changes.push(load(module, 'VFs made before their driver is there stay without it'));
  }
  return changes;
};

/** Modules for the VFs that are to be; VFs that have their driver say what it is by themselves. */
const vfModules = async (
  fs: HostFs,
  pf: PhysicalFunction,
  wanted: ResolvedPf,
): Promise<readonly string[]> => {
  const modules: string[] = [];
  for (const name of wantedDrivers(wanted)) {
    const module = name === kernelDriver ? await moduleForVfs(fs, pf) : name;
    if (module !== undefined) modules.push(module);
  }
  return modules;
};

/** A loaded module stays loaded: others may have come to use it meanwhile. */
const load = (module: string, reason: string): Change => ({
  action: { kind: 'module', module },
  reason,
  undo: 'irreversible',
});

const uniqueModules = (changes: readonly Change[]): readonly Change[] => {
  const seen = new Set<string>();
  return changes.filter(({ action }) => {
    if (action.kind !== 'module') return true;
    const fresh = !seen.has(action.module);
    seen.add(action.module);
    return fresh;
  });
};

const pfDriverAvailable = async (host: HostView, { address }: ResolvedPf): Promise<CheckResult> => {
  const pf = await readPf(host.fs, address);
  if (pf === undefined || pf.driver !== undefined) return { status: 'pass' };
  const module = await moduleForFunction(host.fs, pf);
  if (module === undefined) return unknownDriver(host.fs, address, pf.vendor, pf.device);
  return available(host, module, `${address} has no driver bound and needs ${module}`);
};

const vfDriversAvailable = async (host: HostView, wanted: ResolvedPf): Promise<CheckResult> => {
  const pf = await readPf(host.fs, wanted.address);
  if (pf === undefined || wanted.vfs === 0) return { status: 'pass' };
  const name = pf.netdev ?? pf.address;
  for (const driverName of wantedDrivers(wanted)) {
    const module = driverName === kernelDriver ? await moduleForVfs(host.fs, pf) : driverName;
    if (module === undefined) {
      if (pf.vfs.some((vf) => vf.driver !== undefined)) continue;
      return unknownDriver(host.fs, `VFs of ${name}`, pf.vendor, pf.sriov.vfDevice ?? '????');
    }
    const result = await available(host, module, `VFs of ${name} are to be driven by ${module}`);
    if (result.status !== 'pass') return result;
  }
  return { status: 'pass' };
};

const unknownDriver = async (
  fs: HostFs,
  whose: string,
  vendor: string,
  device: string,
): Promise<CheckResult> => ({
  status: 'fail',
  problem: `${whose} (${vendor}:${device}): no installed driver says that it drives this card`,
  hint: await packageWithModules(fs),
});

const available = async (host: HostView, module: string, why: string): Promise<CheckResult> => {
  const problem = await notLoadable(host, module, await moduleState(host, module));
  return problem === undefined
    ? { status: 'pass' }
    : { status: 'fail', problem: `${why}: ${problem.problem}`, hint: problem.hint };
};

/** Missing, blacklisted and unsigned are three different things to do. */
const notLoadable = async (
  { fs }: HostView,
  module: string,
  found: ModuleState,
): Promise<Pick<Problem, 'problem' | 'hint'> | undefined> => {
  switch (found.state) {
    case 'present':
    case 'loadable':
      return undefined;
    case 'missing':
      return {
        problem: `there is no ${found.lookedFor} in ${found.folder}${sourcePlace(module)}`,
        hint: await packageWithModules(fs),
      };
    case 'no-modules':
      return {
        problem: `there are no modules of the running kernel (${found.folder}/modules.dep is missing)`,
        hint: 'After an upgrade of the kernel, reboot. In a container, mount /lib/modules of the host.',
      };
    case 'blacklisted':
      return {
        problem: `${found.where} keeps it from being loaded ("${found.line}")`,
        hint: `Take that out, or give the VFs another driver with --vf-driver, for example vfio-pci.`,
      };
    case 'unsigned':
      return {
        problem: `${found.file} is not signed, and ${found.because}`,
        hint: 'Sign it with a key that the machine trusts (mokutil --import), or install a signed driver.',
      };
  }
};

const sourcePlace = (module: string): string => {
  const source = sourceOfVfDriver(module);
  return source === undefined ? '' : ` (drivers/net/ethernet/${source})`;
};

/** What modprobe(8) says of a module that the kernel did not take. */
const notLoaded = async (
  host: HostView,
  module: string,
  error: HostError,
): Promise<Problem | undefined> => {
  const known = await notLoadable(host, module, await moduleState(host, module));
  const problem = `${module} was not loaded: ${error.message}`;
  if (known !== undefined) return { code: 'MODULE_NOT_LOADED', problem, hint: known.hint };
  for (const [pattern, hint] of modprobeWords) {
    if (pattern.test(error.message)) return { code: 'MODULE_NOT_LOADED', problem, hint };
  }
  return undefined;
};

/** strerror(3) of what finit_module(2) returned. */
const modprobeWords: readonly (readonly [RegExp, string])[] = [
  [
    /Key was rejected by service|Required key not available/,
    'It is signed with a key that the machine does not trust: enroll it (mokutil --import), or install a signed driver.',
  ],
  [
    /Operation not permitted/,
    'The kernel allows no modules to be loaded (module_blacklist, kernel.modules_disabled), or this is a container without the right to.',
  ],
  [/Exec format error|Invalid module format/, 'It was built for another kernel: build it again.'],
];
