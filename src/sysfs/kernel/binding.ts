import { posix } from 'node:path';
import type { HostPath } from '../../host.ts';
import { iommuGroups, netAttribute, pciAttribute, pciDevices, pciDriver } from '../paths.ts';
import { comparePciAddresses } from '../pci-address.ts';
import { readAttribute, readLinkName, readNumber } from '../read.ts';
import { readSriovCapability } from './capability.ts';
import { driverFacts } from './drivers.ts';
import { Errno, folderOf, type Kernel } from './kernel.ts';
import { driverMatches, driversFor, mayProbe } from './match.ts';
import { isPfUp, registerNetdev, unregisterNetdevs } from './netdev.ts';

/** Looks for a driver for a function that has none; a driver that fails leaves it without. */
export const attach = async (kernel: Kernel, address: string): Promise<void> => {
  if ((await driverOf(kernel, address)) !== undefined || !(await mayProbe(kernel, address))) return;
  for (const driver of await driversFor(kernel, address)) {
    if (await tryToBind(kernel, driver, address)) return;
  }
};

/** A driver that is new, or has a new id, takes all it can that have no driver (driver_attach). */
export const attachDriver = async (kernel: Kernel, driver: string): Promise<void> => {
  const addresses = (await kernel.fs.list(pciDevices)) ?? [];
  for (const address of [...addresses].sort(comparePciAddresses)) {
    if ((await driverOf(kernel, address)) !== undefined) continue;
    if (!(await driverMatches(kernel, driver, address))) continue;
    if (await mayProbe(kernel, address)) await tryToBind(kernel, driver, address);
  }
};

export const driverOf = ({ fs }: Kernel, address: string): Promise<string | undefined> =>
  readLinkName(fs, pciAttribute(address, 'driver'));

/** Whether somebody has the vfio device of a function open: its driver then waits to be rid of it. */
export const isHeld = async (kernel: Kernel, address: string): Promise<boolean> =>
  kernel.heldVfs.has(address) && (await driverOf(kernel, address)) === 'vfio-pci';

/** Takes a function from its driver. */
export const unbind = async (kernel: Kernel, address: string): Promise<void> => {
  const { fs } = kernel;
  const driver = await driverOf(kernel, address);
  if (driver === undefined) return;
  await remember(kernel, address, driver);
  await unregisterNetdevs(kernel, address);
  await setVfioGroup(kernel, address, driver, false);
  await fs.remove(pciAttribute(address, 'driver'));
  await fs.remove(`${pciDriver(driver)}/${address}`);
  await fs.remove(pciAttribute(address, 'msi_irqs'));
  await writeIfThere(kernel, address, 'enable', '0\n');
  await writeIfThere(kernel, address, 'power_state', 'D0\n');
  await setUeventDriver(kernel, address, undefined);
  const limit = driverFacts(driver).most;
  if (limit === undefined) return;
  const capability = await readSriovCapability(kernel, await folderOf(kernel, address));
  const total = capability?.totalVfs ?? limit.of;
  await writeIfThere(kernel, address, 'sriov_totalvfs', `${total}\n`);
};

export const bind = async (kernel: Kernel, driver: string, address: string): Promise<void> => {
  const { fs, clock } = kernel;
  const folder = await folderOf(kernel, address);
  const group = await readLinkName(fs, `${folder}/iommu_group`);
  if (driver === 'vfio-pci' && group === undefined) {
    const message = `vfio-pci ${address}: probe with driver vfio-pci failed with error -22`;
    kernel.log.push({ at: clock.now, message });
    throw new Errno('EINVAL');
  }
  await fs.setLink(`${folder}/driver`, posix.relative(folder, pciDriver(driver)));
  await fs.setLink(`${pciDriver(driver)}/${address}`, posix.relative(pciDriver(driver), folder));
  await writeIfThere(kernel, address, 'enable', driver === 'vfio-pci' ? '0\n' : '1\n');
  const sleeps = driver === 'vfio-pci' && !(await isVf(kernel, address));
  await writeIfThere(kernel, address, 'power_state', sleeps ? 'D3hot\n' : 'D0\n');
  await setUeventDriver(kernel, address, driver);
  await setVfioGroup(kernel, address, driver, true);
  await lowerTotalVfs(kernel, address, driver);
  if (!(await makesNetdev(kernel, address, driver))) return;
  for (const mask of ['dma_mask_bits', 'consistent_dma_mask_bits']) {
    await writeIfThere(kernel, address, mask, '64\n');
  }
  await noteUnheard(kernel, address);
  const { netdevAfterMs } = driverFacts(driver);
  const delay = kernel.faults.netdevDelayMs ?? netdevAfterMs ?? 0;
  const register = async (): Promise<void> => {
    if ((await driverOf(kernel, address)) === driver) await registerNetdev(kernel, address, driver);
  };
  if (delay === 0) await register();
  else clock.after(delay, register);
};

const tryToBind = async (kernel: Kernel, driver: string, address: string): Promise<boolean> => {
  try {
    await bind(kernel, driver, address);
    return true;
  } catch (error) {
    if (error instanceof Errno) return false;
    throw error;
  }
};

const makesNetdev = async (kernel: Kernel, address: string, driver: string): Promise<boolean> =>
  driverFacts(driver).withoutNetdev !== true &&
  /^0x02/.test((await readAttribute(kernel.fs, pciAttribute(address, 'class'))) ?? '');

/** A driver that can make fewer VFs than the card says so when it takes the PF. */
const lowerTotalVfs = async (kernel: Kernel, address: string, driver: string): Promise<void> => {
  const limit = driverFacts(driver).most;
  const total = await readNumber(kernel.fs, pciAttribute(address, 'sriov_totalvfs'));
  if (limit === undefined || total === undefined) return;
  await kernel.fs.writeFile(
    pciAttribute(address, 'sriov_totalvfs'),
    `${Math.min(limit.vfs, total)}\n`,
  );
};

/** A PF that is down does not hear its VFs, and learns nothing of their MACs. */
const noteUnheard = async (kernel: Kernel, address: string): Promise<void> => {
  const pf = await readLinkName(kernel.fs, pciAttribute(address, 'physfn'));
  if (pf === undefined) return;
  if (await isPfUp(kernel, pf)) kernel.unheard.delete(address);
  else kernel.unheard.add(address);
};

/** The character device through which a group is used: from its first function to its last. */
const setVfioGroup = async (
  { fs }: Kernel,
  address: string,
  driver: string,
  there: boolean,
): Promise<void> => {
  const group = await readLinkName(fs, pciAttribute(address, 'iommu_group'));
  if (driver !== 'vfio-pci' || group === undefined) return;
  const node: HostPath = `/dev/vfio/${group}`;
  if (there) return fs.plant(node, { content: '', mode: 0o600 });
  for (const other of (await fs.list(`${iommuGroups}/${group}/devices`)) ?? []) {
    const used = (await readLinkName(fs, pciAttribute(other, 'driver'))) === 'vfio-pci';
    if (used && other !== address) return;
  }
  await fs.remove(node);
};

/** A port gets its name and MAC back when its driver comes back; a VF does not. */
const remember = async (kernel: Kernel, address: string, driver: string): Promise<void> => {
  const { fs, remembered } = kernel;
  if (await isVf(kernel, address)) return;
  const [name] = (await fs.list(pciAttribute(address, 'net'))) ?? [];
  const mac = name && (await readAttribute(fs, netAttribute(name, 'address')));
  if (name !== undefined && mac !== undefined) {
    remembered.set(address, { driver, netdev: { name, mac } });
  }
};

const isVf = async ({ fs }: Kernel, address: string): Promise<boolean> =>
  (await fs.readLink(pciAttribute(address, 'physfn'))) !== undefined;

const writeIfThere = async (
  { fs }: Kernel,
  address: string,
  attribute: string,
  content: string,
): Promise<void> => {
  const path = pciAttribute(address, attribute);
  if ((await fs.stat(path)) !== undefined) await fs.writeFile(path, content);
};

const setUeventDriver = async (
  kernel: Kernel,
  address: string,
  driver: string | undefined,
): Promise<void> => {
  const text = await kernel.fs.readText(pciAttribute(address, 'uevent'));
  const rest = (text ?? '').replace(/^DRIVER=.*\n/m, '');
  await writeIfThere(
    kernel,
    address,
    'uevent',
    `${driver === undefined ? '' : `DRIVER=${driver}\n`}${rest}`,
  );
};
