import type { Change } from '../change.ts';
import type { HostFs } from '../host.ts';
import type { ResolvedPf } from '../resolved-spec.ts';
import type { Step } from '../step.ts';
import { unbinding } from '../sysfs/binding.ts';
import {
  isDriverPresent,
  moduleForFunction,
  moduleForVfs,
  modulesFolder,
} from '../sysfs/module.ts';
import { pciDriversProbe } from '../sysfs/paths.ts';
import { type PhysicalFunction, readPf } from '../sysfs/pci-device.ts';
import { forEachPf } from './checks.ts';

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
      id: 'vf-driver-known',
      title: 'a driver for the VFs is installed',
      severity: 'error',
      run: (spec, { fs }) => forEachPf(spec, (pf) => vfDriverKnown(fs, pf)),
    },
  ],
  plan: async (spec, { fs }) => {
    const changes: Change[] = [];
    for (const wanted of spec.pfs) {
      const pf = await readPf(fs, wanted.address);
      if (pf === undefined) continue;
      changes.push(...(await planPfDriver(fs, pf)));
      if (wanted.vfs > 0) changes.push(...(await planVfDriver(fs, pf)));
    }
    return uniqueModules(changes);
  },
  checks: [
    {
      id: 'pf-driver-bound',
      title: 'each PF has its driver',
      severity: 'error',
      run: (spec, { fs }) =>
        forEachPf(spec, async ({ address }) => {
          const pf = await readPf(fs, address);
          return pf?.driver === undefined
            ? { status: 'pending', awaited: `a driver to bind to ${address}` }
            : { status: 'pass', detail: `${pf.netdev ?? address} is driven by ${pf.driver}` };
        }),
    },
  ],
};

const planPfDriver = async (fs: HostFs, pf: PhysicalFunction): Promise<readonly Change[]> => {
  if (pf.driver !== undefined) return [];
  const module = await moduleForFunction(fs, pf.address);
  if (module === undefined) return [];
  if (!(await isDriverPresent(fs, module))) {
    return [load(module, `${pf.address} has no driver bound; its modalias asks for ${module}`)];
  }
  return [
    {
      action: { kind: 'trigger', path: pciDriversProbe, value: pf.address },
      reason: `${pf.address} has no driver bound, and ${module} is loaded`,
      undo: [unbinding(pf.address)],
    },
  ];
};

const planVfDriver = async (fs: HostFs, pf: PhysicalFunction): Promise<readonly Change[]> => {
  const module = await moduleForVfs(fs, pf);
  if (module === undefined || (await isDriverPresent(fs, module))) return [];
  return [load(module, 'VFs made before their driver is there stay without a netdev')];
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

const vfDriverKnown = async (fs: HostFs, { address, vfs }: ResolvedPf) => {
  const pf = await readPf(fs, address);
  if (pf === undefined || vfs === 0 || pf.vfs.some(({ driver }) => driver !== undefined)) {
    return { status: 'pass' } as const;
  }
  const module = await moduleForVfs(fs, pf);
  if (module !== undefined)
    return { status: 'pass', detail: `VFs are driven by ${module}` } as const;
  const ids = `${pf.vendor}:${pf.sriov.vfDevice ?? '????'}`;
  return {
    status: 'fail',
    problem: `no driver for the VFs of ${pf.netdev ?? address} (${ids}) is installed for the running kernel`,
    hint: `Nothing in ${await modulesFolder(fs)}/modules.alias names ${ids}: install the kernel's extra modules or the vendor's driver.`,
  } as const;
};
