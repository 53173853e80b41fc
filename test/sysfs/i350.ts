import type { HostPath } from '../../src/host.ts';
import { listVfIndexes } from '../../src/sysfs/pci-device.ts';
import { readLinkName } from '../../src/sysfs/read.ts';
import {
  type SimulatedHost,
  type SimulationOptions,
  simulateHost,
} from '../../src/sysfs/simulated-host.ts';
import { treeView } from '../../src/sysfs/tree-fs.ts';

export const port = '0000:01:00.0';
export const pf: HostPath = `/sys/bus/pci/devices/${port}`;

/** The demo host, with modules loaded. */
export const i350 = async (
  options: SimulationOptions = {},
  modules: readonly string[] = ['igbvf'],
): Promise<SimulatedHost> => {
  const host = simulateHost(treeView('fixtures/i350-t2'), options);
  for (const module of modules) await host.perform({ kind: 'module', module });
  return host;
};

export const write = (host: SimulatedHost, path: HostPath, value: string): Promise<void> =>
  host.perform({ kind: 'attribute', path, value });

const linksOfVfs = async (
  host: SimulatedHost,
  name: string,
): Promise<readonly (string | undefined)[]> => {
  const indexes = await listVfIndexes(host.fs, port);
  return Promise.all(
    indexes.map((index) => readLinkName(host.fs, `${pf}/virtfn${index}${name}` as HostPath)),
  );
};

/** What the first port's VFs are, by their index. */
export const vfAddresses = (host: SimulatedHost) => linksOfVfs(host, '');
export const driverNames = (host: SimulatedHost) => linksOfVfs(host, '/driver');
export const groups = (host: SimulatedHost) => linksOfVfs(host, '/iommu_group');
