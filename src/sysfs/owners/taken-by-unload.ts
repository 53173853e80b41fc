import type { HostFs } from '../../host.ts';
import { functionsOfModule } from '../module.ts';
import { type PhysicalFunction, physfnOf, readPf } from '../pci-device.ts';

/** What loses its driver when modules are unloaded, on every card of the host. */
export interface TakenByUnload {
  /** PFs, with all of their VFs, which go with them. */
  readonly ports: readonly PhysicalFunction[];
  /** Other PFs, each with those of its VFs only that lose their driver. */
  readonly vfs: readonly PhysicalFunction[];
}

export const takenByUnload = async (
  fs: HostFs,
  modules: readonly string[],
): Promise<TakenByUnload> => {
  const ports: PhysicalFunction[] = [];
  const taken = new Map<string, Set<string>>();
  for (const module of modules) {
    for (const address of await functionsOfModule(fs, module)) {
      const above = await physfnOf(fs, address);
      const pf = above === undefined ? await readPf(fs, address) : undefined;
      if (pf !== undefined) ports.push(pf);
      if (above !== undefined) taken.set(above, (taken.get(above) ?? new Set()).add(address));
    }
  }
  const vfs: PhysicalFunction[] = [];
  for (const [address, addresses] of taken) {
    const pf = await readPf(fs, address);
    if (pf === undefined || ports.some((port) => port.address === address)) continue;
    vfs.push({ ...pf, vfs: pf.vfs.filter((vf) => addresses.has(vf.address)) });
  }
  return { ports, vfs };
};
