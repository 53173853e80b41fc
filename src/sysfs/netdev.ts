import type { HostFs } from '../host.ts';
import { netAttribute, netClass, netdev, pciAttribute, udevFolder } from './paths.ts';
import { orUnknown, readAttribute, readNumber } from './read.ts';

/** Kernel names that udev has not replaced yet (drivers register `eth%d`). */
const kernelName = /^eth\d+$/;

/** A network interface as the host's network namespace shows it. */
export interface Netdev {
  readonly name: string;
  readonly mac?: string;
  /** Administratively up: IFF_UP of `flags`. */
  readonly up: boolean;
  readonly operstate?: string;
  readonly mtu?: number;
}

/** Whether udev's rename is still to come (`eth3`); hosts with net.ifnames=0 keep such names. */
export const isTransientName = (name: string): boolean => kernelName.test(name);

/** Whether udev has not looked at a netdev yet that still has its kernel name. */
export const awaitsUdev = async (fs: HostFs, name: string): Promise<boolean> => {
  if (!isTransientName(name) || (await fs.stat(udevFolder)) === undefined) return false;
  const ifindex = await readNumber(fs, netAttribute(name, 'ifindex'));
  return ifindex !== undefined && (await fs.stat(`${udevFolder}/data/n${ifindex}`)) === undefined;
};

export const readNetdev = async (fs: HostFs, name: string): Promise<Netdev> => {
  const mac = await readAttribute(fs, netAttribute(name, 'address'));
  const flags = Number(await readAttribute(fs, netAttribute(name, 'flags')));
  const operstate = await readAttribute(fs, netAttribute(name, 'operstate'));
  const mtu = await readNumber(fs, netAttribute(name, 'mtu'));
  return {
    name,
    ...(mac !== undefined && { mac }),
    up: (flags & 1) === 1,
    ...(operstate !== undefined && { operstate }),
    ...(mtu !== undefined && { mtu }),
  };
};

/** Whether a netdev has a link; one that is down cannot be asked (EINVAL). */
export const hasCarrier = async (fs: HostFs, name: string): Promise<boolean> =>
  (await orUnknown(readAttribute(fs, netAttribute(name, 'carrier')))) === '1';

/** Finds the netdev of a PCI function. */
export type NetdevLookup = (address: string) => Promise<string | undefined>;

/** The netdev of a PCI function. */
export const netdevOf = async (fs: HostFs, address: string): Promise<string | undefined> =>
  uplinkOf(fs, (await fs.list(pciAttribute(address, 'net'))) ?? []);

/** The same for all functions at once: a link says where each netdev is, which costs less than a folder. */
export const netdevLookup = async (fs: HostFs): Promise<NetdevLookup> => {
  const byFunction = new Map<string, string[]>();
  for (const name of await listNetdevs(fs)) {
    // `bonding_masters` is a file among them.
    const link = (await orUnknown(fs.readLink(netdev(name))))?.split('/') ?? [];
    const address = link.at(-3);
    if (link.at(-2) !== 'net' || address === undefined) continue;
    const names = byFunction.get(address);
    if (names === undefined) byFunction.set(address, [name]);
    else names.push(name);
  }
  return async (address) => uplinkOf(fs, byFunction.get(address) ?? []);
};

/**
 * In switchdev mode a PF has the representors too (phys_port_name `pf0vf3`); the uplink is the one
 * without, or named `p0`.
 */
const uplinkOf = async (fs: HostFs, found: readonly string[]): Promise<string | undefined> => {
  if (found.length < 2) return found[0];
  const names = [...found].sort();
  for (const name of names) {
    const port = await orUnknown(readAttribute(fs, netAttribute(name, 'phys_port_name')));
    if (port === undefined || port === '' || /^p\d+$/.test(port)) return name;
  }
  return names[0];
};

/** All netdevs of this network namespace. */
export const listNetdevs = async (fs: HostFs): Promise<readonly string[]> =>
  [...((await fs.list(netClass)) ?? [])].sort();
