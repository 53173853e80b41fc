import type { HostFs } from '../host.ts';
import { type NetdevLookup, netdevLookup, netdevOf } from './netdev.ts';
import { netAttribute, pciAttribute, pciDevice, pciDevices } from './paths.ts';
import {
  comparePciAddresses,
  formatPciAddress,
  parsePciAddress,
  vfAddress,
} from './pci-address.ts';
import {
  followLink,
  readAttribute,
  readId,
  readLinkName,
  readNumber,
  readVfDevice,
} from './read.ts';

/** Four lower-case hex digits each. */
interface PciIds {
  readonly vendor: string;
  readonly device: string;
}

/** What PFs and VFs have in common. */
export interface PciFunction extends PciIds {
  readonly address: string;
  readonly driver?: string;
  /** The name in the host's network namespace; a netdev elsewhere is not seen. */
  readonly netdev?: string;
  readonly mac?: string;
  readonly iommuGroup?: string;
  /** -1 where the host does not say. */
  readonly numaNode: number;
}

export interface VirtualFunction extends PciFunction {
  readonly index: number;
  /** In a simulation: it will have a MAC that nobody can foretell, so none is given. */
  readonly randomMac?: true;
}

/** A VF that does not exist yet: its place is arithmetic. */
export interface PredictedVf {
  readonly index: number;
  readonly address: string;
}

export interface PhysicalFunction extends PciFunction {
  readonly sriov: SriovCapability;
  readonly vfs: readonly VirtualFunction[];
}

/** The SR-IOV attributes of a PF (drivers/pci/iov.c); offset and stride are missing before Linux 4.15. */
export interface SriovCapability {
  /** As limited by the bound driver, which may say less than the card. */
  readonly totalVfs: number;
  readonly offset?: number;
  readonly stride?: number;
  /** PCI device id of the VFs. */
  readonly vfDevice?: string;
  readonly autoprobe?: boolean;
}

/** Network class, PCI base class 02. */
const networkClass = /^0x02/;

/** All network functions of the host that can make VFs, ordered by address. */
export const listPfs = async (fs: HostFs): Promise<readonly PhysicalFunction[]> => {
  const found: PhysicalFunction[] = [];
  // A VF's routing ID is above its PF's, so it is known as a VF before its turn comes.
  const vfs = new Set<string>();
  const netdevs = await netdevLookup(fs);
  for (const address of await listPciAddresses(fs)) {
    if (vfs.has(address) || !(await hasSriov(fs, address))) continue;
    const pf = (await isNetworkFunction(fs, address))
      ? await readPf(fs, address, netdevs)
      : undefined;
    if (pf === undefined) continue;
    found.push(pf);
    for (const vf of pf.vfs) vfs.add(vf.address);
  }
  return found;
};

const hasSriov = async (fs: HostFs, address: string): Promise<boolean> =>
  (await fs.stat(pciAttribute(address, 'sriov_totalvfs'))) !== undefined;

/** Every PCI function's address, in order. */
export const listPciAddresses = async (fs: HostFs): Promise<readonly string[]> =>
  [...((await fs.list(pciDevices)) ?? [])].sort(comparePciAddresses);

export const isNetworkFunction = async (fs: HostFs, address: string): Promise<boolean> =>
  networkClass.test((await readAttribute(fs, pciAttribute(address, 'class'))) ?? '');

/** The PF at an address with its VFs; `undefined` if there is none, or it has no SR-IOV. */
export const readPf = async (
  fs: HostFs,
  address: string,
  netdevs: NetdevLookup = (at) => netdevOf(fs, at),
): Promise<PhysicalFunction | undefined> => {
  const sriov = await readSriov(fs, address);
  if (sriov === undefined) return undefined;
  const pf = await readFunction(fs, address, { netdevs });
  const vfs: VirtualFunction[] = [];
  for (const index of await listVfIndexes(fs, address)) {
    const vf = await readVf(fs, { ...pf, sriov }, index, netdevs);
    if (vf !== undefined) vfs.push(vf);
  }
  return { ...pf, sriov, vfs };
};

/** A function's place, ids and links; what is known already is not read. */
export const readFunction = async (
  fs: HostFs,
  address: string,
  known: {
    readonly netdevs?: NetdevLookup;
    readonly ids?: PciIds | undefined;
    readonly numaNode?: number;
  } = {},
): Promise<PciFunction> => {
  const driver = await readLinkName(fs, pciAttribute(address, 'driver'));
  const netdev = await (known.netdevs?.(address) ?? netdevOf(fs, address));
  const mac =
    netdev === undefined ? undefined : await readAttribute(fs, netAttribute(netdev, 'address'));
  const iommuGroup = await readLinkName(fs, pciAttribute(address, 'iommu_group'));
  return {
    address,
    ...(known.ids ?? (await readIds(fs, address))),
    ...(driver !== undefined && { driver }),
    ...(netdev !== undefined && { netdev }),
    ...(mac !== undefined && { mac }),
    ...(iommuGroup !== undefined && { iommuGroup }),
    numaNode: known.numaNode ?? (await readNumber(fs, pciAttribute(address, 'numa_node'))) ?? -1,
  };
};

const readIds = async (fs: HostFs, address: string): Promise<PciIds> => ({
  vendor: (await readId(fs, pciAttribute(address, 'vendor'))) ?? '',
  device: (await readId(fs, pciAttribute(address, 'device'))) ?? '',
});

/** The SR-IOV attributes; `undefined` if the function has no visible SR-IOV capability. */
export const readSriov = async (
  fs: HostFs,
  address: string,
): Promise<SriovCapability | undefined> => {
  const totalVfs = await readNumber(fs, pciAttribute(address, 'sriov_totalvfs'));
  if (totalVfs === undefined) return undefined;
  const offset = await readNumber(fs, pciAttribute(address, 'sriov_offset'));
  const stride = await readNumber(fs, pciAttribute(address, 'sriov_stride'));
  const vfDevice = await readVfDevice(fs, pciDevice(address));
  const autoprobe = await readNumber(fs, pciAttribute(address, 'sriov_drivers_autoprobe'));
  return {
    totalVfs,
    ...(offset !== undefined && { offset }),
    ...(stride !== undefined && { stride }),
    ...(vfDevice !== undefined && { vfDevice }),
    ...(autoprobe !== undefined && { autoprobe: autoprobe === 1 }),
  };
};

/** The N of every virtfnN link, in numeric order. Never blocks, unlike reading sriov_numvfs. */
export const listVfIndexes = async (fs: HostFs, address: string): Promise<readonly number[]> =>
  ((await fs.list(pciDevice(address))) ?? [])
    .flatMap((name) => /^virtfn(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);

/**
 * The VF behind a virtfnN link; `undefined` when it goes away meanwhile. The kernel takes a VF's ids
 * from its PF (pci_iov_add_virtfn in drivers/pci/iov.c), and its NUMA node from the bus of both
 * (pci_device_add in drivers/pci/probe.c).
 */
const readVf = async (
  fs: HostFs,
  pf: Omit<PhysicalFunction, 'vfs'>,
  index: number,
  netdevs: NetdevLookup,
): Promise<VirtualFunction | undefined> => {
  const address = await readLinkName(fs, pciAttribute(pf.address, `virtfn${String(index)}`));
  if (address === undefined) return undefined;
  const device = pf.sriov.vfDevice;
  const ids = device === undefined ? undefined : { vendor: pf.vendor, device };
  const known = { netdevs, ids, numaNode: pf.numaNode };
  return { ...(await readFunction(fs, address, known)), index };
};

/** The VF's own PF, by its physfn link; `undefined` for a function that is no VF. */
export const physfnOf = (fs: HostFs, address: string): Promise<string | undefined> =>
  readLinkName(fs, pciAttribute(address, 'physfn'));

/** Where `count` VFs will be; empty where the kernel does not say offset and stride. */
export const predictVfs = (
  pf: Pick<PhysicalFunction, 'address' | 'sriov'>,
  count: number,
): readonly PredictedVf[] => {
  const address = parsePciAddress(pf.address);
  const { offset, stride } = pf.sriov;
  if (address === undefined || offset === undefined || stride === undefined) return [];
  return Array.from({ length: count }, (_, index) => ({
    index,
    address: formatPciAddress(vfAddress(address, { offset, stride }, index)),
  }));
};

/**
 * The highest bus number behind the bridge above a function, which the last VF may not exceed.
 * `undefined` on a root bus, whose end sysfs does not show.
 */
export const lastBusAbove = async (fs: HostFs, address: string): Promise<number | undefined> => {
  const real = await followLink(fs, pciDevice(address));
  if (real === undefined) return undefined;
  const bridge = real.split('/').at(-2);
  return bridge === undefined || parsePciAddress(bridge) === undefined
    ? undefined
    : readNumber(fs, pciAttribute(bridge, 'subordinate_bus_number'));
};
