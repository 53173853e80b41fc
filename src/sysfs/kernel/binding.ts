import { posix } from 'node:path';
import type { HostPath } from '../../host.ts';
import { netAttribute, pciAttribute, pciDevices, pciDriver } from '../paths.ts';
import { comparePciAddresses } from '../pci-address.ts';
import { readAttribute, readLinkName, readNumber } from '../read.ts';
import { driverFacts } from './drivers.ts';
import { Errno, folderOf, type Kernel } from './kernel.ts';
import { driversFor, mayProbe } from './match.ts';
import { registerNetdev, unregisterNetdevs } from './netdev.ts';

/** Looks for a driver for a function that has none; a driver that fails leaves it without. */
export const attach = async (kernel: Kernel, address: string): Promise<void> => {
  if ((await driverOf(kernel, address)) !== undefined || !(await mayProbe(kernel, address))) return;
  for (const driver of await driversFor(kernel, address)) {
    try {
      await bind(kernel, driver, address);
      return;
    } catch (error) {
      if (!(error instanceof Errno)) throw error;
    }
  }
};

/** What a newly registered driver, or a new id, leads to. */
export const attachAll = async (kernel: Kernel): Promise<void> => {
  const addresses = (await kernel.fs.list(pciDevices)) ?? [];
  for (const address of [...addresses].sort(comparePciAddresses)) await attach(kernel, address);
};

export const driverOf = ({ fs }: Kernel, address: string): Promise<string | undefined> =>
  readLinkName(fs, pciAttribute(address, 'driver'));

/** Takes a function from its driver. */
export const unbind = async (kernel: Kernel, address: string): Promise<void> => {
  const { fs } = kernel;
  const driver = await driverOf(kernel, address);
  if (driver === undefined) return;
  const isVf = (await fs.readLink(pciAttribute(address, 'physfn'))) !== undefined;
  const netdev = isVf ? undefined : await netdevToRemember(kernel, address);
  kernel.remembered.set(address, { driver, ...(netdev !== undefined && { netdev }) });
  await unregisterNetdevs(kernel, address);
  await setVfioGroup(kernel, address, driver, false);
  await fs.remove(pciAttribute(address, 'driver'));
  await fs.remove(`${pciDriver(driver)}/${address}`);
  await fs.remove(pciAttribute(address, 'msi_irqs'));
  await writeIfThere(kernel, address, 'enable', '0\n');
  await setUeventDriver(kernel, address, undefined);
  const limit = driverFacts(driver).most;
  if (limit !== undefined) await writeIfThere(kernel, address, 'sriov_totalvfs', `${limit.of}\n`);
};

export const bind = async (kernel: Kernel, driver: string, address: string): Promise<void> => {
  const { fs, clock } = kernel;
  const folder = await folderOf(kernel, address);
  const group = await readLinkName(fs, `${folder}/iommu_group`);
  if (driver === 'vfio-pci' && group === undefined) throw new Errno('EINVAL');
  await fs.setLink(`${folder}/driver`, posix.relative(folder, pciDriver(driver)));
  await fs.setLink(`${pciDriver(driver)}/${address}`, posix.relative(pciDriver(driver), folder));
  await writeIfThere(kernel, address, 'enable', driver === 'vfio-pci' ? '0\n' : '1\n');
  await writeIfThere(kernel, address, 'power_state', 'D0\n');
  await setUeventDriver(kernel, address, driver);
  await setVfioGroup(kernel, address, driver, true);
  await lowerTotalVfs(kernel, address, driver);
  if (!(await makesNetdev(kernel, address, driver))) return;
  await rememberCarrier(kernel, address);
  const { netdevAfterMs } = driverFacts(driver);
  const delay = kernel.faults.netdevDelayMs ?? netdevAfterMs ?? 0;
  const register = async (): Promise<void> => {
    if ((await driverOf(kernel, address)) === driver) await registerNetdev(kernel, address, driver);
  };
  if (delay === 0) await register();
  else clock.after(delay, register);
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

/** A VF that finds its PF down when probed stays without carrier, whatever the PF does later. */
const rememberCarrier = async (kernel: Kernel, address: string): Promise<void> => {
  const { fs, withoutCarrier } = kernel;
  const pf = await readLinkName(fs, pciAttribute(address, 'physfn'));
  if (pf === undefined) return;
  if (await isPfUp(kernel, pf)) withoutCarrier.delete(address);
  else withoutCarrier.add(address);
};

/** Whether a netdev of the PF is administratively up. */
export const isPfUp = async ({ fs }: Kernel, pf: string): Promise<boolean> => {
  for (const name of (await fs.list(pciAttribute(pf, 'net'))) ?? []) {
    const flags = Number(await readAttribute(fs, netAttribute(name, 'flags')));
    if ((flags & 1) === 1) return true;
  }
  return false;
};

/** The character device through which a group is used appears with its first function. */
const setVfioGroup = async (
  { fs }: Kernel,
  address: string,
  driver: string,
  there: boolean,
): Promise<void> => {
  const group = await readLinkName(fs, pciAttribute(address, 'iommu_group'));
  if (driver !== 'vfio-pci' || group === undefined) return;
  const node: HostPath = `/dev/vfio/${group}`;
  if (there) await fs.plant(node, { content: '', mode: 0o600 });
  else await fs.remove(node);
};

const netdevToRemember = async ({ fs }: Kernel, address: string) => {
  const [name] = (await fs.list(pciAttribute(address, 'net'))) ?? [];
  const mac = name && (await readAttribute(fs, netAttribute(name, 'address')));
  return name === undefined || mac === undefined ? undefined : { name, mac };
};

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
