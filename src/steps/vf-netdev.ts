import type { HostFs } from '../host.ts';
import { isTransientName } from '../sysfs/netdev.ts';
import { pciAttribute, udevFolder } from '../sysfs/paths.ts';
import {
  isNetworkFunction,
  type PhysicalFunction,
  type VirtualFunction,
} from '../sysfs/pci-device.ts';
import { isUserspaceDriver } from '../sysfs/vf-settings.ts';

/**
 * What is still to come before a VF can be used, in words. A netdev that was moved to another network
 * namespace leaves an empty `net` folder behind.
 */
export const driverAwaited = async (
  fs: HostFs,
  vf: VirtualFunction,
): Promise<string | undefined> => {
  if (vf.driver === undefined) return `a driver for VF ${vf.index} (${vf.address})`;
  if (isUserspaceDriver(vf.driver) || vf.netdev !== undefined) return undefined;
  if (!(await isNetworkFunction(fs, vf.address))) return undefined;
  return (await fs.stat(pciAttribute(vf.address, 'net'))) === undefined
    ? `the netdev of VF ${vf.index} (${vf.address}, ${vf.driver})`
    : undefined;
};

/** A host that names its netdevs eth0, eth1 … (net.ifnames=0) does so for the PF as well. */
export const nameAwaited = async (
  fs: HostFs,
  vf: VirtualFunction,
  pf: PhysicalFunction,
): Promise<string | undefined> => {
  if (vf.netdev === undefined || !isTransientName(vf.netdev)) return undefined;
  if (pf.netdev === undefined || isTransientName(pf.netdev)) return undefined;
  if ((await fs.stat(udevFolder)) === undefined) return undefined;
  return `udev to rename ${vf.netdev} (VF ${vf.index}, ${vf.address})`;
};
