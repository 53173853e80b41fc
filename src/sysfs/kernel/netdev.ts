import { posix } from 'node:path';
import type { HostPath } from '../../host.ts';
import type { Planting } from '../overlay-node.ts';
import { netAttribute, netClass, netdev, pciAttribute, udevFolder } from '../paths.ts';
import { listVfIndexes } from '../pci-device.ts';
import { orUnknown, readAttribute, readLinkName, readNumber } from '../read.ts';
import { noMac } from '../vf-settings.ts';
import { driverFacts } from './drivers.ts';
import { Errno, folderOf, type Kernel, nextIfindex } from './kernel.ts';
import { linkAttributes, netdevFolder } from './netdev-folder.ts';
import { udevName } from './udev-name.ts';

/** How long udev takes to rename a new netdev, in milliseconds: seen were 50 to 450. */
const renameMs = { least: 50, spread: 400 };

/** Gives a function its netdev, ethN for the moment; udev's name follows in no particular order. */
export const registerNetdev = async (
  kernel: Kernel,
  address: string,
  driver: string,
): Promise<void> => {
  const folder = await folderOf(kernel, address);
  const known = kernel.remembered.get(address)?.netdev;
  const name = await freeEthName(kernel);
  const ifindex = await nextIfindex(kernel);
  const deaf = kernel.deafVfs.delete(address);
  const assigned = deaf ? undefined : assignedMac(kernel, address);
  const permanent =
    known !== undefined || assigned !== undefined || driverFacts(driver).assignedMac === true;
  const mac = known?.mac ?? assigned ?? randomMac(kernel);
  if (deaf) tellPf(kernel, address, mac);
  await kernel.fs.plant(
    `${folder}/net/${name}`,
    netdevFolder({ name, address, ifindex, mac, permanent }),
  );
  await linkNetdev(kernel, folder, name);
  kernel.clock.after(renameMs.least + kernel.random() * renameMs.spread, () =>
    renameByUdev(kernel, address, name, ifindex),
  );
};

/** A netdev that has just been registered, with a random MAC. */
export const newNetdev = (
  kernel: Kernel,
  of: { readonly name: string; readonly address: string; readonly ifindex: number },
): Planting => netdevFolder({ ...of, mac: randomMac(kernel), permanent: false });

/** The MAC that the PF gives a VF whose driver asks for one; no address is none. */
const assignedMac = ({ vfConfigs }: Kernel, address: string): string | undefined => {
  const mac = vfConfigs.get(address)?.mac;
  return mac === noMac ? undefined : mac;
};

/** The MAC that a VF has made up for itself: its PF takes it over from one that it trusts (igb_set_vf_mac_addr). */
const tellPf = ({ vfConfigs }: Kernel, address: string, mac: string): void => {
  const config = vfConfigs.get(address);
  if (config?.trust === true) vfConfigs.set(address, { ...config, mac });
};

/** Takes a function's netdevs away, as an unbind of its driver does. */
export const unregisterNetdevs = async (kernel: Kernel, address: string): Promise<void> => {
  const { fs } = kernel;
  for (const name of (await fs.list(pciAttribute(address, 'net'))) ?? []) {
    const ifindex = await readAttribute(fs, netAttribute(name, 'ifindex'));
    await fs.remove(netdev(name));
    await fs.remove(`${udevFolder}/data/n${ifindex ?? ''}`);
  }
  await fs.remove(pciAttribute(address, 'net'));
  kernel.firstFreeEth = 0;
};

/** Sets a netdev administratively up or down; that a cable is plugged in is assumed. */
export const setLinkState = async (kernel: Kernel, name: string, up: boolean): Promise<void> => {
  const { fs } = kernel;
  const flags = Number(await readAttribute(fs, netAttribute(name, 'flags')));
  if (((flags & 1) === 1) === up) return;
  const text = `0x${(up ? flags | 1 : flags & ~1).toString(16)}\n`;
  await fs.writeFile(netAttribute(name, 'flags'), text);
  const address = await readLinkName(fs, `${netdev(name)}/device`);
  const pf = address && (await readLinkName(fs, pciAttribute(address, 'physfn')));
  if (address === undefined || pf === undefined) {
    await showCarrier(kernel, name, up, up);
    if (address !== undefined) await tellVfs(kernel, address, up);
    return;
  }
  const heard = await isPfUp(kernel, pf);
  if (heard) kernel.unheard.delete(address);
  else kernel.unheard.add(address);
  await showCarrier(kernel, name, up, up && heard);
};

/** How often a VF's driver looks whether its port is up, in milliseconds (igbvf_watchdog_task). */
const watchdogMs = 2_000;

/** VFs that are up lose their carrier with their port, and get it back a moment after it. */
const tellVfs = async (kernel: Kernel, pf: string, up: boolean): Promise<void> => {
  const { fs, clock } = kernel;
  for (const index of await listVfIndexes(fs, pf)) {
    const vf = (await readLinkName(fs, pciAttribute(pf, `virtfn${index}`))) ?? '';
    for (const name of (await fs.list(pciAttribute(vf, 'net'))) ?? []) {
      const notice = async (): Promise<void> => {
        const flags = Number(await readAttribute(fs, netAttribute(name, 'flags')));
        if ((flags & 1) === 1) await showCarrier(kernel, name, true, await isPfUp(kernel, pf));
      };
      if (up) clock.after(watchdogMs, notice);
      else await notice();
    }
  }
};

/** How long a port that is set up anew has no link, in milliseconds (igb; others take longer). */
const resetMs = 1_000;

/** Most drivers set their port up anew for another MTU (igb_change_mtu). */
export const storeMtu = async (kernel: Kernel, name: string, value: string): Promise<void> => {
  const { fs, clock } = kernel;
  const path = netAttribute(name, 'mtu');
  const mtu = Number(value);
  if (!Number.isInteger(mtu) || value.trim() === '') throw new Errno('EINVAL');
  if ((await readNumber(fs, path)) === mtu) return;
  await fs.writeFile(path, `${mtu}\n`);
  const carrier = await orUnknown(readAttribute(fs, netAttribute(name, 'carrier')));
  const address = await readLinkName(fs, `${netdev(name)}/device`);
  if (carrier !== '1' || address === undefined) return;
  if ((await readLinkName(fs, pciAttribute(address, 'physfn'))) !== undefined) return;
  await showCarrier(kernel, name, true, false);
  clock.after(resetMs, async () => {
    if (await isPfUp(kernel, address)) await showCarrier(kernel, name, true, true);
  });
};

const showCarrier = async (
  { fs }: Kernel,
  name: string,
  up: boolean,
  carrier: boolean,
): Promise<void> => {
  await fs.writeFile(netAttribute(name, 'operstate'), carrier ? 'up\n' : 'down\n');
  for (const [attribute, planting] of Object.entries(linkAttributes(up, carrier))) {
    const path = netAttribute(name, attribute);
    if ((await fs.stat(path)) !== undefined) await fs.plant(path, planting);
  }
};

/** Whether a netdev of the PF is administratively up. */
export const isPfUp = async ({ fs }: Kernel, pf: string): Promise<boolean> => {
  for (const name of (await fs.list(pciAttribute(pf, 'net'))) ?? []) {
    const flags = Number(await readAttribute(fs, netAttribute(name, 'flags')));
    if ((flags & 1) === 1) return true;
  }
  return false;
};

const renameByUdev = async (
  kernel: Kernel,
  address: string,
  from: string,
  ifindex: number,
): Promise<void> => {
  const { fs } = kernel;
  if ((await fs.stat(udevFolder)) === undefined) return;
  if ((await readAttribute(fs, netAttribute(from, 'ifindex'))) !== String(ifindex)) return;
  await fs.mkdir(`${udevFolder}/data`);
  await fs.writeFile(`${udevFolder}/data/n${ifindex}`, 'I:1\n');
  await makeMacPersistent(fs, from);
  const to = await udevName(kernel, address);
  if (to === undefined || (await fs.stat(netdev(to))) !== undefined) return;
  const folder = await folderOf(kernel, address);
  await fs.remove(netdev(from));
  await fs.rename(`${folder}/net/${from}`, `${folder}/net/${to}`);
  await linkNetdev(kernel, folder, to);
  await fs.writeFile(netAttribute(to, 'uevent'), `INTERFACE=${to}\nIFINDEX=${ifindex}\n`);
  await fs.writeFile(netAttribute(to, 'name_assign_type'), '4\n');
  kernel.firstFreeEth = 0;
};

/** MACAddressPolicy=persistent of systemd.link(5): a random MAC is replaced by one that is set. */
const makeMacPersistent = async (fs: Kernel['fs'], name: string): Promise<void> => {
  const type = netAttribute(name, 'addr_assign_type');
  if ((await readAttribute(fs, type)) === '1') await fs.writeFile(type, '3\n');
};

const linkNetdev = ({ fs }: Kernel, folder: HostPath, name: string): Promise<void> =>
  fs.setLink(netdev(name), posix.relative(netClass, `${folder}/net/${name}`));

/** Drivers register `eth%d`: the kernel takes the lowest number that is free. */
const freeEthName = async (kernel: Kernel): Promise<string> => {
  let number = kernel.firstFreeEth;
  while ((await kernel.fs.stat(netdev(`eth${number}`))) !== undefined) number += 1;
  kernel.firstFreeEth = number + 1;
  return `eth${number}`;
};

/** Locally administered, unicast (eth_random_addr in include/linux/etherdevice.h). */
const randomMac = ({ random, drawnMacs }: Kernel): string => {
  const mac = Array.from({ length: 6 }, (_, index) => {
    const byte = Math.floor(random() * 256);
    return (index === 0 ? (byte & 0xfe) | 0x02 : byte).toString(16).padStart(2, '0');
  }).join(':');
  drawnMacs.add(mac);
  return mac;
};
