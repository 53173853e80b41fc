import type { HostView } from '../host.ts';
import { readNetdev } from '../sysfs/netdev.ts';
import { netAttribute, pciDriver } from '../sysfs/paths.ts';
import { readFunction } from '../sysfs/pci-device.ts';
import { readLinkName, readNumber } from '../sysfs/read.ts';
import { permanentMacOf } from '../sysfs/vf-settings.ts';

/**
 * What tells a card from another one at the same PCI address. No netdev name is in it: a kernel or
 * systemd update may change that, and the card is still the same.
 */
export interface PfIdentity {
  readonly address: string;
  readonly vendor: string;
  readonly device: string;
  /** The card's own, whatever it has been given since; a PF without netdev has none. */
  readonly mac?: string;
  /** The module of the PF's driver. */
  readonly module: string;
}

export const readIdentity = async (host: HostView, address: string): Promise<PfIdentity> => {
  const { vendor, device, driver, netdev } = await readFunction(host.fs, address);
  const mac = netdev === undefined ? undefined : await ownMac(host, netdev);
  return {
    address,
    vendor,
    device,
    ...(mac !== undefined && { mac }),
    module: driver === undefined ? '' : await moduleOf(host, driver),
  };
};

/** Where `ip` cannot be asked, sysfs still says whether the address in use is the card's own. */
const ownMac = async (host: HostView, netdev: string): Promise<string | undefined> => {
  const told = await permanentMacOf(host, netdev);
  if (told !== undefined) return told;
  const type = await readNumber(host.fs, netAttribute(netdev, 'addr_assign_type'));
  return type === permanent ? (await readNetdev(host.fs, netdev)).mac : undefined;
};

/** NET_ADDR_PERM, include/uapi/linux/netdevice.h. */
const permanent = 0;

/** A driver built into the kernel has no module link; modprobe takes its name all the same. */
const moduleOf = async ({ fs }: HostView, driver: string): Promise<string> =>
  (await readLinkName(fs, `${pciDriver(driver)}/module`)) ?? driver.replaceAll('-', '_');
