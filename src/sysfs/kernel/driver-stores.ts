import { pciAttribute, pciDevice, pciDriver } from '../paths.ts';
import { readNumber } from '../read.ts';
import { attach, attachDriver, bind, driverOf, isHeld, unbind } from './binding.ts';
import { Errno, type Kernel, patienceMs, stillWaiting } from './kernel.ts';
import { driverMatches, mayProbe } from './match.ts';
import { removeVfs } from './numvfs.ts';

/** `bind` of a driver (bind_store in drivers/base/bus.c). */
export const storeBind = async (kernel: Kernel, driver: string, value: string): Promise<void> => {
  const address = value.replace(/\n$/, '');
  if (!(await exists(kernel, address))) throw new Errno('ENODEV');
  if (!(await driverMatches(kernel, driver, address))) throw new Errno('ENODEV');
  if ((await driverOf(kernel, address)) !== undefined) throw new Errno('EBUSY');
  if (!(await mayProbe(kernel, address))) throw new Errno('ENODEV');
  await bind(kernel, driver, address);
};

/** `unbind` of a driver (unbind_store in drivers/base/bus.c). */
export const storeUnbind = async (kernel: Kernel, driver: string, value: string): Promise<void> => {
  const address = value.replace(/\n$/, '');
  if (!(await exists(kernel, address)) || (await driverOf(kernel, address)) !== driver) {
    throw new Errno('ENODEV');
  }
  if (await isHeld(kernel, address)) {
    kernel.waiting.set(address, () => unbind(kernel, address));
    await kernel.clock.advance(patienceMs);
    throw stillWaiting(`${pciDriver(driver)}/unbind`);
  }
  if (((await readNumber(kernel.fs, pciAttribute(address, 'sriov_numvfs'))) ?? 0) > 0) {
    await removeVfs(kernel, address);
  }
  await unbind(kernel, address);
};

/** `drivers_probe`: succeeds even when no driver was found (store_drivers_probe in drivers/base/bus.c). */
export const storeDriversProbe = async (kernel: Kernel, value: string): Promise<void> => {
  const address = value.replace(/\n$/, '');
  if (!(await exists(kernel, address))) throw new Errno('ENODEV');
  await attach(kernel, address);
};

/** `new_id` of a driver: it takes all functions of an id that have no driver yet. */
export const storeNewId = async (kernel: Kernel, driver: string, value: string): Promise<void> => {
  const id = idOf(value);
  const ids = kernel.dynamicIds.get(driver) ?? new Set();
  if (ids.has(id)) throw new Errno('EEXIST');
  kernel.dynamicIds.set(driver, ids.add(id));
  await attachDriver(kernel, driver);
};

export const storeRemoveId = (kernel: Kernel, driver: string, value: string): Promise<void> => {
  const known = kernel.dynamicIds.get(driver)?.delete(idOf(value)) ?? false;
  return known ? Promise.resolve() : Promise.reject(new Errno('ENODEV'));
};

const exists = async ({ fs }: Kernel, address: string): Promise<boolean> =>
  !address.includes('/') && (await fs.stat(pciDevice(address))) !== undefined;

const idOf = (value: string): string => {
  const [vendor, device] = value.trim().toLowerCase().split(/\s+/);
  if (
    vendor === undefined ||
    device === undefined ||
    !/^[0-9a-f]+ [0-9a-f]+$/.test(`${vendor} ${device}`)
  ) {
    throw new Errno('EINVAL');
  }
  return `${vendor.padStart(4, '0')} ${device.padStart(4, '0')}`;
};
