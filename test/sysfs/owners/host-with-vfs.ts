import { join } from 'node:path';
import type { HostView } from '../../../src/host.ts';
import type { Planting } from '../../../src/sysfs/overlay.ts';
import { netAttribute, pciAttribute, processFile } from '../../../src/sysfs/paths.ts';
import { type PhysicalFunction, readPf } from '../../../src/sysfs/pci-device.ts';
import {
  type CommandModel,
  type SimulatedHost,
  simulateHost,
} from '../../../src/sysfs/simulated-host.ts';
import { treeView } from '../../../src/sysfs/tree-fs.ts';

export const pf = '0000:01:00.0';
const tree = join(import.meta.dirname, '../../../fixtures/82576-qemu');

/** Answers of programs that the simulation knows nothing of, by the program and its arguments. */
export type Answers = Readonly<Record<string, unknown>>;

/** A host with four VFs at 01:10.0, .2, .4 and .6: enp1s0f0v0 to enp1s0f0v3. */
export const hostWithVfs = async (
  answers: Answers = {},
  view: Partial<HostView> = {},
): Promise<SimulatedHost> => {
  const model: CommandModel = async ({ argv }) => {
    const answer = answers[argv.join(' ')];
    if (answer === undefined) return undefined;
    const stdout = typeof answer === 'string' ? answer : JSON.stringify(answer);
    return { ran: true, exitCode: 0, stdout, stderr: '' };
  };
  const models = { nsenter: model, ip: model };
  const host = simulateHost({ ...treeView(tree), ...view }, { models });
  await host.fs.mkdir('/run/udev');
  await host.perform({ kind: 'link', netdev: 'enp1s0f0', up: true });
  await host.perform({ kind: 'module', module: 'igbvf' });
  await host.perform({ kind: 'module', module: 'vfio-pci' });
  await host.perform({ kind: 'attribute', path: pciAttribute(pf, 'sriov_numvfs'), value: '4' });
  await host.wait(5_000);
  return host;
};

export const readTestPf = async (host: HostView): Promise<PhysicalFunction> => {
  const read = await readPf(host.fs, pf);
  if (read === undefined) throw new Error(`no PF at ${pf}`);
  return read;
};

/** As `ip link set dev NAME netns …` leaves it: the folder `net` stays and is empty. */
export const moveAway = async (host: SimulatedHost, index: number): Promise<void> => {
  const { vfs } = await readTestPf(host);
  const vf = vfs[index];
  if (vf?.netdev === undefined) throw new Error(`VF ${index} has no netdev`);
  await host.fs.remove(`/sys/class/net/${vf.netdev}`);
  await host.fs.plant(pciAttribute(vf.address, 'net'), { folder: {} });
};

export const bindToVfio = async (host: SimulatedHost, index: number): Promise<string> => {
  const vf = (await readTestPf(host)).vfs[index];
  if (vf === undefined) throw new Error(`no VF ${index}`);
  const { address } = vf;
  const override = pciAttribute(address, 'driver_override');
  await host.perform({ kind: 'attribute', path: override, value: 'vfio-pci' });
  await host.perform({
    kind: 'trigger',
    path: pciAttribute(address, 'driver/unbind'),
    value: address,
  });
  await host.perform({ kind: 'trigger', path: '/sys/bus/pci/drivers_probe', value: address });
  return `/dev/vfio/${vf.iommuGroup ?? ''}`;
};

export const setUp = (host: SimulatedHost, netdev: string): Promise<void> =>
  host.fs.writeFile(netAttribute(netdev, 'flags'), '0x1003\n');

export interface TestProcess {
  readonly comm: string;
  readonly argv?: readonly string[];
  readonly cgroup?: string;
  /** Targets of its open files. */
  readonly open?: readonly string[];
  readonly netns?: string;
  /** PCI addresses of the netdevs that its own /sys shows. */
  readonly shows?: readonly string[];
}

export const plantProcess = async (
  host: SimulatedHost,
  pid: number,
  { comm, argv = [], cgroup = '0::/init.scope\n', open = [], netns, shows = [] }: TestProcess,
): Promise<void> => {
  const plant = (name: string, planting: Planting) =>
    host.fs.plant(processFile(pid, name), planting);
  await plant('comm', `${comm}\n`);
  await plant('cmdline', argv.map((word) => `${word}\0`).join(''));
  await plant('cgroup', cgroup);
  await plant('fd', {
    folder: Object.fromEntries(open.map((link, fd) => [String(fd + 3), { link }])),
  });
  await plant('ns/net', { link: netns ?? 'net:[4026531840]' });
  for (const [index, address] of shows.entries()) {
    await plant(`root/sys/class/net/net${index + 1}/device`, { link: `../../../${address}` });
  }
};
