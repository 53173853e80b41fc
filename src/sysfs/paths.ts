import { posix } from 'node:path';
import type { HostPath } from '../host.ts';

/** Every path below /sys and /proc that the product touches is spelled here. */

export const pciDevices: HostPath = '/sys/bus/pci/devices';
export const pciDriversProbe: HostPath = '/sys/bus/pci/drivers_probe';
export const netClass: HostPath = '/sys/class/net';
export const modules: HostPath = '/sys/module';
export const iommuGroups: HostPath = '/sys/kernel/iommu_groups';
export const hostname: HostPath = '/proc/sys/kernel/hostname';
export const bootId: HostPath = '/proc/sys/kernel/random/boot_id';
/** Exists while udevd runs. */
export const udevFolder: HostPath = '/run/udev';
export const kernelRelease: HostPath = '/proc/sys/kernel/osrelease';
/** What is mounted where, for the process that reads it. */
export const mounts: HostPath = '/proc/mounts';
export const processes: HostPath = '/proc';
export const ipv4Routes: HostPath = '/proc/net/route';
export const ipv6Routes: HostPath = '/proc/net/ipv6_route';
/** Network namespaces with a name: `ip netns add`, and one for each pod. */
export const netNamespaces: HostPath = '/run/netns';
export const vfioFolder: HostPath = '/dev/vfio';

/** The folder of a PCI function, by its full address. */
export const pciDevice = (address: string): HostPath => `${pciDevices}/${address}`;

/** An attribute, link or folder of a PCI function. */
export const pciAttribute = (address: string, name: string): HostPath =>
  `${pciDevices}/${address}/${name}`;

/** The PF whose number of VFs an attribute is; `undefined` for any other attribute. */
export const pfOfNumvfs = (path: HostPath): string | undefined =>
  /\/([^/]+)\/sriov_numvfs$/.exec(path)?.[1];

export const pciDriver = (driver: string): HostPath => `/sys/bus/pci/drivers/${driver}`;

export const netdev = (name: string): HostPath => `${netClass}/${name}`;

export const netAttribute = (name: string, attribute: string): HostPath =>
  `${netClass}/${name}/${attribute}`;

/** A file, link or folder of a process (proc_pid(5)). */
export const processFile = (pid: number, name: string): HostPath =>
  `${processes}/${String(pid)}/${name}`;

/** Module names are spelled with `_` below /sys/module, whatever the file is called. */
export const moduleFolder = (module: string): HostPath =>
  `${modules}/${module.replaceAll('-', '_')}`;

/** Where a link at `path` with the spelling `target` leads. */
export const resolveLink = (path: HostPath, target: string): HostPath =>
  posix.resolve(posix.dirname(path), target) as HostPath;
