import type { HostFs } from '../host.ts';
import type { ResolvedSpec } from '../resolved-spec.ts';
import { moduleForFunction, moduleForVfs, moduleOfDriver } from '../sysfs/module.ts';
import { readPf } from '../sysfs/pci-device.ts';

/** The modules that drive the PFs of a spec: the one that has a PF now, and the one that would get it. */
export const modulesOfPfs = async (
  { pfs }: ResolvedSpec,
  fs: HostFs,
): Promise<ReadonlySet<string>> => {
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

/** These, and the modules that drive their VFs. */
export const modulesOfPfsAndVfs = async (
  spec: ResolvedSpec,
  fs: HostFs,
): Promise<ReadonlySet<string>> => {
  const modules = new Set(await modulesOfPfs(spec, fs));
  for (const { address } of spec.pfs) {
    const pf = await readPf(fs, address);
    const module = pf && (await moduleForVfs(fs, pf));
    if (module !== undefined) modules.add(module);
  }
  return modules;
};
