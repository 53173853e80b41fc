import type { CheckResult } from '../check.ts';
import type { HostFs } from '../host.ts';
import { awaitsUdev, netdevOf } from '../sysfs/netdev.ts';
import { readPf } from '../sysfs/pci-device.ts';

/** A name that udev is about to replace is none to set the PF up by. */
export const pfNamed = async (fs: HostFs, address: string): Promise<CheckResult> => {
  const netdev = await netdevOf(fs, address);
  return netdev !== undefined && (await awaitsUdev(fs, netdev))
    ? { status: 'pending', awaited: `udev to rename ${netdev} (${address})` }
    : { status: 'pass' };
};

export const pfDriverBound = async (fs: HostFs, address: string): Promise<CheckResult> => {
  const pf = await readPf(fs, address);
  if (pf?.driver === undefined) {
    return { status: 'pending', awaited: `a driver to bind to ${address}` };
  }
  return { status: 'pass', detail: `${pf.netdev ?? address} is driven by ${pf.driver}` };
};
