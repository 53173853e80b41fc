import type { Problem } from '../events.ts';
import type { HostFs } from '../host.ts';
import { pciAttribute } from './paths.ts';
import { type PhysicalFunction, lastBusAbove } from './pci-device.ts';
import { parsePciAddress, routingId } from './pci-address.ts';
import { readAttribute, readNumber } from './read.ts';

/** Lines 8 to 13 of `resource` are the VF BARs (PCI_IOV_RESOURCES, include/linux/pci.h). */
const vfBarLines = { first: 7, count: 6 };
/** IORESOURCE_UNSET, include/linux/ioport.h: the resource has no address yet. */
const unset = 0x20000000n;

/**
 * Why the kernel will refuse to make `count` VFs, from sysfs alone; the order of the checks is the
 * kernel's own (sriov_numvfs_store, then sriov_enable in drivers/pci/iov.c).
 */
export const foretellFailure = async (
  fs: HostFs,
  pf: PhysicalFunction,
  count: number,
): Promise<Problem | undefined> => {
  if (count === 0) return undefined;
  return overTotal(pf, count) ?? (await noSpaceForBars(fs, pf)) ?? (await beyondBus(fs, pf, count));
};

const overTotal = (pf: PhysicalFunction, count: number): Problem | undefined => {
  const { totalVfs } = pf.sriov;
  if (count <= totalVfs) return undefined;
  if (totalVfs === 0) {
    return {
      code: 'NO_VFS_OFFERED',
      problem: `${nameOf(pf)} offers no Virtual Functions (sriov_totalvfs is 0)`,
      hint: 'SR-IOV is switched off in the firmware setup or in the card: for ConnectX cards set SRIOV_EN=1 and NUM_OF_VFS with mstconfig, then power-cycle.',
    };
  }
  return {
    code: 'TOO_MANY_VFS',
    problem: `${nameOf(pf)} can make at most ${totalVfs} Virtual Functions, ${count} are wanted`,
    hint: `Use --vfs ${totalVfs} or less; the limit is what the driver ${pf.driver ?? '(none)'} and the card's firmware allow.`,
  };
};

const noSpaceForBars = async (fs: HostFs, pf: PhysicalFunction): Promise<Problem | undefined> => {
  const text = await readAttribute(fs, pciAttribute(pf.address, 'resource'));
  if (text === undefined) return undefined;
  const bars = text
    .split('\n')
    .slice(vfBarLines.first, vfBarLines.first + vfBarLines.count)
    .map((line) => line.split(' ').map(BigInt));
  if (bars.length < vfBarLines.count) return undefined;
  const assigned = bars.some(([start]) => start !== undefined && start !== 0n);
  const broken = bars.some(
    ([start, , flags = 0n]) => flags !== 0n && (start === 0n || (flags & unset) !== 0n),
  );
  if (assigned && !broken) return undefined;
  return {
    code: 'NO_MMIO_SPACE',
    problem: `${nameOf(pf)} has no memory space for its VFs: the VF BARs are unassigned (the kernel would say "not enough MMIO resources for SR-IOV")`,
    hint: 'Switch on "SR-IOV Support" and "Above 4G Decoding" in the firmware setup; if that does not help, boot with pci=realloc.',
  };
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
    code: 'NO_BUS_NUMBERS',
    problem: `${nameOf(pf)}: VF ${count - 1} would be on bus ${hex(bus)}, the bridge above ends at bus ${hex(lastBus)} (the kernel would say "can't enable ${count} VFs (bus ${hex(bus)} out of range of [bus ${hex(lastBus)}])")`,
    hint: [
      fitting > 0 ? `${fitting} VFs fit.` : undefined,
      ari
        ? undefined
        : 'Switch on "ARI forwarding" in the firmware setup, or drop pci=noari, if the slot can do it.',
      'Another slot may have bus numbers to spare; the last resort is to boot with pci=assign-busses, which renumbers every bus.',
    ]
      .filter((part) => part !== undefined)
      .join(' '),
  };
};

const hex = (bus: number): string => bus.toString(16).padStart(2, '0');

const nameOf = ({ netdev, address }: PhysicalFunction): string =>
  netdev === undefined ? address : `${netdev} (${address})`;
