import { HostError } from '../../errors.ts';
import type { HostPath } from '../../host.ts';
import { pciAttribute, pciDevice, pciDriversProbe } from '../paths.ts';
import { readNumber } from '../read.ts';
import { unbind } from './binding.ts';
import {
  storeBind,
  storeDriversProbe,
  storeNewId,
  storeRemoveId,
  storeUnbind,
} from './driver-stores.ts';
import { leaveIommuGroup } from './iommu.ts';
import { Errno, folderOf, type Kernel } from './kernel.ts';
import { storeMsixCount } from './msix.ts';
import { storeMtu } from './netdev.ts';
import { removeVfs, storeNumvfs } from './numvfs.ts';
import { parseBool } from './parse.ts';

/** What a write to an attribute does; the subject is the function's address or the driver's name. */
type Store = (kernel: Kernel, subject: string, value: string) => Promise<void>;

/**
 * A write(2) to an attribute, opened without O_CREAT, with the errnos of open and write.
 *
 * @throws HostError
 */
export const writeAttribute = async (
  kernel: Kernel,
  path: HostPath,
  value: string,
): Promise<void> => {
  const logged = kernel.log.length;
  try {
    await write(kernel, path, value);
  } catch (error) {
    const told = error instanceof Errno ? asHostError(kernel, path, value, error) : error;
    if (told instanceof HostError) {
      told.kernelLog = kernel.log.slice(logged).map(({ message }) => message);
    }
    throw told;
  }
};

const asHostError = (
  { deviations }: Kernel,
  path: HostPath,
  value: string,
  { errno }: Errno,
): HostError =>
  new HostError(deviations.errnos?.[errno] ?? errno, path, `writing ${JSON.stringify(value)}`);

const write = async (kernel: Kernel, path: HostPath, value: string): Promise<void> => {
  const { fs, faults } = kernel;
  const real = await fs.realPath(path);
  const stat = real && (await fs.stat(real));
  if (real === undefined || stat === undefined) throw new Errno('ENOENT');
  if (stat.kind === 'directory') throw new Errno('EISDIR');
  const errno = faults.writeErrno?.[path] ?? (await fs.writeErrno(real));
  if (errno !== undefined) throw new Errno(errno);
  if ((stat.mode & 0o222) === 0) throw new Errno('EACCES');
  // A write of no bytes never reaches the attribute (kernfs_fop_write_iter in fs/kernfs/file.c).
  if (value === '') return;
  const { store, subject } = storeFor(real);
  if (store !== undefined) return store(kernel, subject, value);
  // What a write-only attribute of no model does (reset, rescan) cannot be seen.
  if ((stat.mode & 0o444) === 0) return;
  await fs.writeFile(real, `${value.replace(/\n$/, '')}\n`);
};

const storeFor = (
  real: HostPath,
): { readonly store: Store | undefined; readonly subject: string } => {
  const [, address, attribute] = functionPath.exec(real) ?? [];
  const [, driver, verb] = driverPath.exec(real) ?? [];
  if (address !== undefined) return { store: functionStores[attribute ?? ''], subject: address };
  if (driver !== undefined) return { store: driverStores[verb ?? ''], subject: driver };
  const [, netdev] = mtuPath.exec(real) ?? [];
  if (netdev !== undefined) return { store: storeMtu, subject: netdev };
  return { store: real === pciDriversProbe ? probe : undefined, subject: '' };
};

const functionPath = /^\/sys\/devices\/.*\/([0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7])\/(\w+)$/;
const driverPath = /^\/sys\/bus\/pci\/drivers\/([^/]+)\/(\w+)$/;
const mtuPath = /^\/sys\/devices\/.*\/net\/([^/]+)\/mtu$/;
const pageSize = 4096;

const probe: Store = (kernel, _, value) => storeDriversProbe(kernel, value);

const driverStores: Readonly<Record<string, Store>> = {
  bind: storeBind,
  unbind: storeUnbind,
  new_id: storeNewId,
  remove_id: storeRemoveId,
};

const functionStores: Readonly<Record<string, Store>> = {
  sriov_numvfs: storeNumvfs,
  sriov_drivers_autoprobe: async ({ fs }, address, value) => {
    const on = parseBool(value);
    if (on === undefined) throw new Errno('EINVAL');
    await fs.writeFile(pciAttribute(address, 'sriov_drivers_autoprobe'), on ? '1\n' : '0\n');
  },
  driver_override: async ({ fs }, address, value) => {
    if (value.length >= pageSize - 1) throw new Errno('EINVAL');
    const name = /^[^\n]*/.exec(value)?.[0] ?? '';
    await fs.writeFile(pciAttribute(address, 'driver_override'), `${name || '(null)'}\n`);
  },
  numa_node: async ({ fs }, address, value) => {
    const node = /^-?\d+\n?$/.test(value) ? Number(value) : undefined;
    if (node === undefined || !(await isNodeOnline(fs, node))) throw new Errno('EINVAL');
    await fs.writeFile(pciAttribute(address, 'numa_node'), `${node}\n`);
  },
  sriov_vf_msix_count: storeMsixCount,
  remove: async (kernel, address) => {
    const { fs } = kernel;
    const folder = await folderOf(kernel, address);
    if (((await readNumber(fs, `${folder}/sriov_numvfs`)) ?? 0) > 0)
      await removeVfs(kernel, address);
    await unbind(kernel, address);
    await leaveIommuGroup(kernel, address);
    await fs.remove(pciDevice(address));
    await fs.remove(folder);
  },
};

/** -1 stands for no node; a host that does not say has one. */
const isNodeOnline = async (fs: Kernel['fs'], node: number): Promise<boolean> =>
  node === -1 ||
  (node >= 0 &&
    (node === 0 || (await fs.stat(`/sys/devices/system/node/node${node}`)) !== undefined));
