import type { HostPath } from '../../host.ts';
import { moduleFolder, pciAttribute, pciDevice } from '../paths.ts';
import { formatPciAddress, parsePciAddress, routingId } from '../pci-address.ts';
import { lastBusAbove } from '../pci-device.ts';
import { readAttribute, readLinkName, readNumber } from '../read.ts';
import { attach, driverOf, isHeld, unbind } from './binding.ts';
import { type DriverFacts, driverFacts } from './drivers.ts';
import { updateRepresentors } from './eswitch.ts';
import { Errno, type Kernel, patienceMs, say, stillWaiting } from './kernel.ts';
import { autoloadModule } from './modules.ts';
import { isPfUp } from './netdev.ts';
import { parseU16 } from './parse.ts';
import { addVf, removeVf, type VfMould, vfMouldOf } from './vfs.ts';

/** A write to sriov_numvfs: the checks and their order are sriov_numvfs_store's (drivers/pci/iov.c). */
export const storeNumvfs = async (kernel: Kernel, pf: string, value: string): Promise<void> => {
  const wanted = parseU16(value);
  if (wanted === undefined) throw new Errno('EINVAL');
  const total = (await readNumber(kernel.fs, pciAttribute(pf, 'sriov_totalvfs'))) ?? 0;
  if (wanted > total) throw new Errno('ERANGE');
  if (kernel.removalWaits) throw await givenUp(kernel, pf);
  const current = await numvfs(kernel, pf);
  if (wanted === current) return;
  const driver = await configuringDriver(kernel, pf);
  if (wanted === 0) return removeVfs(kernel, pf);
  if (current !== 0) {
    await say(kernel, pf, `${current} VFs already enabled. Disable before enabling ${wanted} VFs`);
    throw new Errno('EBUSY');
  }
  await enable(kernel, pf, driver, wanted);
};

/** Removes all VFs of a PF in the order of their index (sriov_disable). */
export const removeVfs = async (kernel: Kernel, pf: string): Promise<void> => {
  const count = await numvfs(kernel, pf);
  const removeFrom = async (first: number): Promise<void> => {
    for (let index = first; index < count; index += 1) {
      const address = await readLinkName(kernel.fs, pciAttribute(pf, `virtfn${index}`));
      if (address === undefined) continue;
      if (await isHeld(kernel, address)) {
        const asked = 'No device request channel registered, blocked until released by user';
        await say(kernel, address, asked);
        kernel.waiting.set(address, () => removeFrom(index));
        kernel.removalWaits = true;
        await setNumvfs(kernel, pf, count, 'ETIMEDOUT');
        return;
      }
      await unbind(kernel, address);
      await removeVf(kernel, pf, index);
    }
    kernel.removalWaits = false;
    await kernel.fs.remove(pciAttribute(pf, 'dep_link'));
    await setNumvfs(kernel, pf, 0);
    await updateRepresentors(kernel, pf);
  };
  await removeFrom(0);
  if (kernel.removalWaits) throw await givenUp(kernel, pf);
};

/** What the writing program sees: it gives up at its deadline, the kernel does not. */
const givenUp = async ({ clock }: Kernel, pf: string) => {
  await clock.advance(patienceMs);
  return stillWaiting(pciAttribute(pf, 'sriov_numvfs'));
};

const numvfs = async ({ fs }: Kernel, pf: string): Promise<number> =>
  (await readNumber(fs, pciAttribute(pf, 'sriov_numvfs'))) ?? 0;

const setNumvfs = async (
  { fs }: Kernel,
  pf: string,
  count: number,
  readErrno?: string,
): Promise<void> => {
  const path = pciAttribute(pf, 'sriov_numvfs');
  const mode = (await fs.stat(path))?.mode ?? 0o644;
  await fs.plant(path, {
    content: `${count}\n`,
    mode,
    ...(readErrno !== undefined && { readErrno }),
  });
};

/** The PF's driver, if it has a sriov_configure. */
const configuringDriver = async (kernel: Kernel, pf: string): Promise<string> => {
  const driver = await driverOf(kernel, pf);
  if (driver === undefined) {
    await say(kernel, pf, 'no driver bound to device; cannot configure SR-IOV');
    throw new Errno('ENOENT');
  }
  if (driverFacts(driver).withoutSriov === true) {
    await say(kernel, pf, 'driver does not support SR-IOV configuration via sysfs');
    throw new Errno('ENOENT');
  }
  // vfio-pci makes VFs only where its parameter says so, and does not say why not.
  const parameter: HostPath = `${moduleFolder('vfio_pci')}/parameters/enable_sriov`;
  if (driver === 'vfio-pci' && (await readAttribute(kernel.fs, parameter)) !== 'Y') {
    throw new Errno('ENOENT');
  }
  return driver;
};

/** All VFs or none; the count is written last, as num_VFs is set last (sriov_enable). */
const enable = async (
  kernel: Kernel,
  pf: string,
  driver: string,
  wanted: number,
): Promise<void> => {
  const { faults } = kernel;
  const facts = driverFacts(driver);
  const errno = faults.driverErrno?.[pf];
  if (errno !== undefined) throw new Errno(errno);
  if (facts.whileDown !== undefined && !(await isPfUp(kernel, pf))) {
    await say(kernel, pf, 'Reject SRIOV config request since if is down!');
    if (facts.whileDown === 'no VFs') return;
    throw new Errno(facts.whileDown);
  }
  const count = Math.min(wanted, faults.shortCount?.[pf] ?? wanted);
  const mould = await vfMouldOf(kernel, pf);
  if (count === 0 || (await lacksSpace(kernel, mould, count, facts))) return;
  await linkDependency(kernel, mould);
  for (let index = 0; index < count; index += 1) {
    const address = await addVf(kernel, mould, index);
    if (driver === 'vfio-pci') {
      await kernel.fs.writeFile(pciAttribute(address, 'driver_override'), 'vfio-pci\n');
    }
    await attach(kernel, address);
    autoloadModule(kernel, address);
  }
  await setNumvfs(kernel, pf, count);
  await updateRepresentors(kernel, pf);
  if (count !== wanted) await say(kernel, pf, `${wanted} VFs requested; only ${count} enabled`);
};

/** A function that depends on another one (Function Dependency Link) shows it while it has VFs. */
const linkDependency = async ({ fs }: Kernel, mould: VfMould): Promise<void> => {
  const place = parsePciAddress(mould.pf);
  const dependsOn = mould.capability?.dependsOn;
  if (place === undefined || dependsOn === undefined) return;
  if (dependsOn === (routingId(place) & 0xff)) return;
  const other = formatPciAddress({ ...place, device: dependsOn >> 3, fn: dependsOn & 7 });
  if ((await fs.stat(pciDevice(other))) === undefined) throw new Errno('ENODEV');
  if ((await fs.stat(pciAttribute(other, 'sriov_totalvfs'))) === undefined) {
    throw new Errno('ENOSYS');
  }
  await fs.setLink(`${mould.pfFolder}/dep_link`, `../${other}`);
};

/** ENOMEM for lack of address space or bus numbers; whether a driver kept it to itself. */
const lacksSpace = async (
  kernel: Kernel,
  mould: VfMould,
  count: number,
  { ignoresFailure }: DriverFacts,
): Promise<boolean> => {
  const lacking = barsUnassigned(mould)
    ? 'not enough MMIO resources for SR-IOV'
    : await beyondBus(kernel, mould, count);
  if (lacking === undefined) return false;
  await say(kernel, mould.pf, lacking);
  if (ignoresFailure !== true) throw new Errno('ENOMEM');
  return true;
};

/** IORESOURCE_UNSET, include/linux/ioport.h. */
const unset = 0x20000000n;

/** A tree without `resource` is taken at its word. */
const barsUnassigned = ({ bars }: VfMould): boolean =>
  bars.length > 0 &&
  (bars.every(({ start }) => start === 0n) ||
    bars.some(({ start, flags }) => flags !== 0n && (start === 0n || (flags & unset) !== 0n)));

/** The last VF may not be behind the end of the bridge above; what the kernel says if it would be. */
const beyondBus = async (
  { fs }: Kernel,
  mould: VfMould,
  count: number,
): Promise<string | undefined> => {
  const place = parsePciAddress(mould.pf);
  const lastBus = (await lastBusAbove(fs, mould.pf)) ?? 0xff;
  if (place === undefined) return undefined;
  const bus = (routingId(place) + mould.offset + (count - 1) * mould.stride) >> 8;
  if (bus <= lastBus) return undefined;
  const hex = (number: number): string => number.toString(16).padStart(2, '0');
  const range = lastBus === place.bus ? hex(lastBus) : `${hex(place.bus)}-${hex(lastBus)}`;
  return `can't enable ${count} VFs (bus ${hex(bus)} out of range of [bus ${range}])`;
};
