import type { Problem } from '../events.ts';
import type { HostFs } from '../host.ts';
import { firmwareRemedy } from './known-drivers.ts';
import { moduleFolder, mounts, pciAttribute } from './paths.ts';
import { parsePciAddress, routingId } from './pci-address.ts';
import { lastBusAbove, type PhysicalFunction } from './pci-device.ts';
import { orUnknown, readAttribute, readNumber } from './read.ts';
import { causes, moreBuses } from './sriov-causes.ts';

/**
 * Why the kernel will refuse to make `count` VFs, from sysfs alone; the order of the checks is the
 * kernel's own (open, sriov_numvfs_store, then sriov_enable in drivers/pci/iov.c).
 */
export const foretellFailure = async (
  fs: HostFs,
  pf: PhysicalFunction,
  count: number,
): Promise<Problem | undefined> => {
  if (count === 0) return undefined;
  return (
    (await readOnlySys(fs)) ??
    overTotal(pf, count) ??
    (await unableDriver(fs, pf)) ??
    (await noSpaceForBars(fs, pf)) ??
    (await beyondBus(fs, pf, count))
  );
};

/** An unprivileged container sees /sys read-only: open(2) says EROFS. Later mounts cover earlier ones. */
const readOnlySys = async (fs: HostFs): Promise<Problem | undefined> => {
  const lines = ((await orUnknown(fs.readText(mounts))) ?? '').split('\n');
  const sys = lines.findLast((line) => line.split(' ')[1] === '/sys');
  if (sys?.split(' ')[3]?.split(',').includes('ro') !== true) return undefined;
  const { cause, hint } = causes.byErrno['EROFS'] ?? { cause: '', hint: '' };
  return { code: 'SYS_READ_ONLY', problem: cause, hint };
};

const overTotal = (pf: PhysicalFunction, count: number): Problem | undefined => {
  const { totalVfs } = pf.sriov;
  if (count <= totalVfs) return undefined;
  if (totalVfs === 0) {
    return {
      code: 'NO_VFS_OFFERED',
      problem: `${nameOf(pf)} offers no Virtual Functions (sriov_totalvfs is 0)`,
      hint: `SR-IOV is switched off in the firmware setup or in the card. ${firmwareRemedy(pf, count) ?? 'Switch it on there.'}`,
    };
  }
  return {
    code: 'TOO_MANY_VFS',
    problem: `${nameOf(pf)} can make at most ${totalVfs} Virtual Functions, ${count} are wanted`,
    hint: [
      `Use --vfs ${totalVfs} or less; the limit is what the driver ${pf.driver ?? '(none)'} and the card's firmware allow.`,
      firmwareRemedy(pf, count),
    ]
      .filter((part) => part !== undefined)
      .join(' '),
  };
};

/** Drivers without sriov_configure, which sysfs does not show; and what makes VFs instead. */
const driversWithoutSriov: Readonly<Record<string, string>> = {
  mlx4_core:
    'It takes its number of VFs when it is loaded: `options mlx4_core num_vfs=N` in /etc/modprobe.d, with SR-IOV switched on in the firmware.',
  enic: 'Its VFs are set up in the UCS management, not on this host.',
  nicpf: 'It makes its VFs by itself when it takes the card.',
  'pci-stub': 'Bind the vendor’s driver instead, or pci-pf-stub.',
  uio_pci_generic: 'Bind the vendor’s driver instead, or pci-pf-stub.',
};

const unableDriver = async (fs: HostFs, pf: PhysicalFunction): Promise<Problem | undefined> => {
  const { driver } = pf;
  if (driver === undefined) {
    const problem = `${nameOf(pf)} has no driver bound, and only a driver makes VFs`;
    return { ...causes.noPfDriver, problem };
  }
  const hint = driver === 'vfio-pci' ? await vfioHint(fs) : driversWithoutSriov[driver];
  if (hint === undefined) return undefined;
  const problem = `${nameOf(pf)} is driven by ${driver}, which makes no VFs through sysfs`;
  return { ...causes.driverWithoutSriov, problem, hint };
};

/** vfio-pci makes VFs only with its parameter enable_sriov (drivers/vfio/pci/vfio_pci.c). */
const vfioHint = async (fs: HostFs): Promise<string | undefined> => {
  const parameter = `${moduleFolder('vfio_pci')}/parameters/enable_sriov` as const;
  return (await orUnknown(readAttribute(fs, parameter))) === 'Y'
    ? undefined
    : 'Bind the vendor’s driver instead; vfio-pci makes VFs only with its parameter enable_sriov=Y.';
};

/** Lines 8 to 13 of `resource` are the VF BARs (PCI_IOV_RESOURCES, include/linux/pci.h). */
const vfBarLines = { first: 7, count: 6 };
/** IORESOURCE_UNSET, include/linux/ioport.h: the resource has no address yet. */
const unset = 0x20000000n;

/**
 * The VF BARs that the cards of a driver have. A BAR that got no address reads as all zero, like one
 * that the card does not have, so a single one that failed is seen only by whom knows the card.
 */
const vfBarsOf: Readonly<Record<string, readonly number[]>> = {
  igb: [0, 3],
  ixgbe: [0, 3],
  i40e: [0, 3],
  ice: [0, 3],
  mlx5_core: [0],
};

const noSpaceForBars = async (fs: HostFs, pf: PhysicalFunction): Promise<Problem | undefined> => {
  const text = await readAttribute(fs, pciAttribute(pf.address, 'resource'));
  const bars = (text ?? '')
    .split('\n')
    .slice(vfBarLines.first, vfBarLines.first + vfBarLines.count)
    .map((line) => line.split(' ').map(BigInt));
  if (bars.length < vfBarLines.count) return undefined;
  const missing = unassignedBars(bars, vfBarsOf[pf.driver ?? ''] ?? []);
  if (missing === undefined) return undefined;
  const which = missing.length === 0 ? 'the VF BARs are' : `VF BAR ${missing.join(' and ')} is`;
  return {
    ...causes.noMmioSpace,
    problem: `${nameOf(pf)} has no memory space for its VFs: ${which} unassigned (the kernel would say "not enough MMIO resources for SR-IOV")`,
  };
};

/** Numbers of the BARs without an address; none of them when not even one has; `undefined` if all is well. */
const unassignedBars = (
  bars: readonly (readonly bigint[])[],
  expected: readonly number[],
): readonly number[] | undefined => {
  const isAssigned = ([start = 0n, , flags = 0n]: readonly bigint[]): boolean =>
    start !== 0n && (flags & unset) === 0n;
  if (!bars.some(isAssigned)) return [];
  const missing = [...bars.entries()]
    .filter(([index, bar]) => !isAssigned(bar) && (bar[2] !== 0n || expected.includes(index)))
    .map(([index]) => index);
  return missing.length === 0 ? undefined : missing;
};

const beyondBus = async (
  fs: HostFs,
  pf: PhysicalFunction,
  count: number,
): Promise<Problem | undefined> => {
  const address = parsePciAddress(pf.address);
  const { offset, stride } = pf.sriov;
  if (address === undefined || offset === undefined || stride === undefined) return undefined;
  const lastBus = (await lastBusAbove(fs, pf.address)) ?? 0xff;
  const first = routingId(address) + offset;
  const bus = (first + (count - 1) * stride) >> 8;
  if (bus <= lastBus) return undefined;
  const fitting = Math.max(
    0,
    Math.floor((((lastBus << 8) | 0xff) - first) / Math.max(stride, 1)) + 1,
  );
  const ari = (await readNumber(fs, pciAttribute(pf.address, 'ari_enabled'))) === 1;
  return {
    code: causes.noBusNumbers.code,
    problem: `${nameOf(pf)}: VF ${count - 1} would be on bus ${hex(bus)}, the bridge above ends at bus ${hex(lastBus)} (the kernel would say "can't enable ${count} VFs (bus ${hex(bus)} out of range of [bus ${hex(lastBus)}])")`,
    hint: [
      fitting > 0 ? `${fitting} VFs fit.` : undefined,
      ari
        ? undefined
        : 'Switch on "ARI forwarding" in the firmware setup, or drop pci=noari, if the slot can do it.',
      moreBuses,
    ]
      .filter((part) => part !== undefined)
      .join(' '),
  };
};

const hex = (bus: number): string => bus.toString(16).padStart(2, '0');

const nameOf = ({ netdev, address }: PhysicalFunction): string =>
  netdev === undefined ? address : `${netdev} (${address})`;
