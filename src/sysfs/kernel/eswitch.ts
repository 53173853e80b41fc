import { posix } from 'node:path';
import { commandLine, HostError } from '../../errors.ts';
import type { Action, EswitchSettings, HostView } from '../../host.ts';
import { eswitchCommand, readEswitch } from '../devlink.ts';
import { knownPfDriver } from '../known-drivers.ts';
import { netdevOf } from '../netdev.ts';
import { netAttribute, netClass, netdev as netdevFolder, pciAttribute } from '../paths.ts';
import { listVfIndexes } from '../pci-device.ts';
import { readAttribute, readId, readLinkName } from '../read.ts';
import { folderOf, type Kernel, nextIfindex } from './kernel.ts';
import { newNetdev } from './netdev.ts';

/** The switch of a PF as devlink would show it: changed here, or as the host below says, or as made. */
export const eswitchOf = async (
  kernel: Kernel,
  pf: string,
  base: HostView,
): Promise<EswitchSettings | undefined> => {
  const known = kernel.eswitches.get(pf) ?? (await readEswitch(base, pf));
  if (known !== undefined || (await switchRule(kernel, pf)) === undefined) return known;
  return { mode: 'legacy', inlineMode: 'none', encapMode: 'basic' };
};

/** @throws HostError where the driver refuses, in the words of devlink(8). */
export const setEswitch = async (
  kernel: Kernel,
  action: Extract<Action, { kind: 'eswitch' }>,
  base: HostView,
): Promise<void> => {
  const { address: pf, settings } = action;
  const refuse = (errno: string, said: string): HostError =>
    new HostError(errno, commandLine(eswitchCommand(action)), `kernel answers: ${said}`);
  const rule = await switchRule(kernel, pf);
  const before = await eswitchOf(kernel, pf, base);
  if (before === undefined) throw refuse('ENODEV', 'No such device');
  const vfs = await listVfIndexes(kernel.fs, pf);
  if (settings.mode !== undefined && rule === 'without-vfs' && vfs.length > 0) {
    throw refuse('EOPNOTSUPP', 'Operation not supported');
  }
  kernel.eswitches.set(pf, { ...before, ...settings });
  if (settings.mode !== undefined && settings.mode !== before.mode) {
    await setRepresentors(kernel, pf, settings.mode === 'switchdev' ? vfs : []);
  }
};

/** Representors come and go with the VFs while the card switches. */
export const updateRepresentors = async (kernel: Kernel, pf: string): Promise<void> => {
  if (kernel.eswitches.get(pf)?.mode !== 'switchdev') return;
  await setRepresentors(kernel, pf, await listVfIndexes(kernel.fs, pf));
};

const switchRule = async ({ fs }: Kernel, pf: string) => {
  const driver = await readLinkName(fs, pciAttribute(pf, 'driver'));
  if (driver === undefined) return undefined;
  const vendor = (await readId(fs, pciAttribute(pf, 'vendor'))) ?? '';
  const device = (await readId(fs, pciAttribute(pf, 'device'))) ?? '';
  return knownPfDriver({ vendor, device, driver })?.eswitch;
};

const setRepresentors = async (
  kernel: Kernel,
  pf: string,
  wanted: readonly number[],
): Promise<void> => {
  const { fs } = kernel;
  const uplink = await netdevOf(fs, pf);
  if (uplink === undefined) return;
  const port = pf.split('.').at(-1) ?? '0';
  const names = new Map(wanted.map((index) => [`${uplink}_${index}`, index]));
  for (const name of (await fs.list(pciAttribute(pf, 'net'))) ?? []) {
    if (name === uplink || names.delete(name)) continue;
    await fs.remove(netdevFolder(name));
    await fs.remove(pciAttribute(pf, `net/${name}`));
  }
  const switchId = (await readAttribute(fs, netAttribute(uplink, 'address')))?.replaceAll(':', '');
  const told = (name: string, attribute: string, text: string) =>
    fs.plant(netAttribute(name, attribute), { content: `${text}\n`, mode: 0o444 });
  if (kernel.eswitches.get(pf)?.mode === 'switchdev') {
    await told(uplink, 'phys_switch_id', switchId ?? '0');
    await told(uplink, 'phys_port_name', `p${port}`);
  }
  const folder = await folderOf(kernel, pf);
  for (const [name, index] of names) {
    const ifindex = await nextIfindex(kernel);
    await fs.plant(`${folder}/net/${name}`, newNetdev(kernel, { name, address: pf, ifindex }));
    await fs.setLink(netdevFolder(name), posix.relative(netClass, `${folder}/net/${name}`));
    await told(name, 'phys_switch_id', switchId ?? '0');
    await told(name, 'phys_port_name', `pf${port}vf${index}`);
  }
};
