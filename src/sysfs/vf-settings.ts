import { createHash } from 'node:crypto';
import type { HostView, VfAttributes } from '../host.ts';
import type { ResolvedPf, VfSettings } from '../resolved-spec.ts';
import { queryLink } from './ip-link.ts';
import type { IpLink } from './ip-link-schema.ts';
import type { RefusableSetting } from './known-driver-table.ts';
import { netAttribute } from './paths.ts';
import { readNumber } from './read.ts';

/** The word for the driver that the kernel itself would choose. */
export const kernelDriver = 'kernel';
/** No address: what takes an assigned one back. */
export const noMac = '00:00:00:00:00:00';

/** Everything that is wanted of one VF, from all ranges that name it; the later one counts. */
export const vfSettingsOf = (pf: ResolvedPf, index: number): VfSettings => {
  const { driver, settings = [] } = pf;
  return settings.reduce<VfSettings>(
    (sum, { vfs, ...more }) => (vfs.includes(index) ? { ...sum, ...more } : sum),
    driver === undefined ? {} : { driver },
  );
};

/** The drivers that the VFs of a PF are to have, each once; without a wish it is the kernel's. */
export const wantedDrivers = (pf: ResolvedPf): readonly string[] => {
  const indexes = Array.from({ length: pf.vfs }, (_, index) => index);
  return [...new Set(indexes.map((index) => vfSettingsOf(pf, index).driver ?? kernelDriver))];
};

/** Drivers through which a program outside of the kernel has the VF. */
export const isUserspaceDriver = (driver: string | undefined): boolean =>
  driver !== undefined &&
  (driver.includes('vfio') || ['uio_pci_generic', 'igb_uio', 'pci-stub'].includes(driver));

/** Whether anything is wanted of a PF's VFs that has to be set. */
export const hasSettings = ({ mtu, macPolicy, settings = [] }: ResolvedPf): boolean =>
  mtu !== undefined || macPolicy !== undefined || settings.length > 0;

/** The part of the settings that the PF's driver keeps, with the MAC of the policy if none is given. */
export const vfAttributesOf = (
  pf: ResolvedPf,
  index: number,
  permanentMac: string | undefined,
): VfAttributes => {
  const attributes = Object.fromEntries(
    Object.entries(vfSettingsOf(pf, index)).filter(([key]) => !ofTheVfItself.includes(key)),
  );
  return pf.macPolicy === 'stable' && permanentMac !== undefined
    ? { mac: stableMac(permanentMac, index), ...attributes }
    : attributes;
};

const ofTheVfItself: readonly string[] = ['mtu', 'msix', 'driver'] satisfies (keyof VfSettings)[];

/** The settings that a driver may refuse: 802.1Q, no priority and no minimum ask nothing of it. */
export const askedFor = (settings: VfSettings): readonly RefusableSetting[] => {
  const { proto, qos, minTxRate } = settings;
  const asked = (Object.keys(settings) as (keyof VfSettings)[]).filter(
    (name) =>
      name !== 'proto' &&
      !(name === 'qos' && qos === 0) &&
      !(name === 'minTxRate' && minTxRate === 0),
  );
  return proto === '802.1ad' ? [...asked, 'qinq'] : asked;
};

/** Whether a PF's VFs are to have anything that has to be there before their driver is. */
export const needsUnboundVfs = (pf: ResolvedPf): boolean =>
  pf.vfs > 0 &&
  (pf.macPolicy !== undefined ||
    (pf.driver !== undefined && pf.driver !== kernelDriver) ||
    (pf.settings ?? []).some(
      ({ mac, msix, nodeGuid, portGuid, driver }) =>
        mac !== undefined ||
        msix !== undefined ||
        nodeGuid !== undefined ||
        portGuid !== undefined ||
        (driver !== undefined && driver !== kernelDriver),
    ));

/**
 * The MAC of a VF under the policy `stable`: the first 46 bits of the SHA-256 of the PF's permanent
 * address as six bytes and the VF's index as four (big-endian), as a locally administered unicast
 * address. The same card has the same addresses in every host and after every boot.
 */
export const stableMac = (permanentMac: string, index: number): string => {
  const bytes = Buffer.alloc(10);
  bytes.set(permanentMac.split(':').map((byte) => Number.parseInt(byte, 16)));
  bytes.writeUInt32BE(index, 6);
  const hash = createHash('sha256').update(bytes).digest();
  const mac = [((hash[0] ?? 0) & 0xfc) | 0x02, ...hash.subarray(1, 6)];
  return mac.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
};

/** NET_ADDR_PERM, include/uapi/linux/netdevice.h: the address is the card's own. */
const permanent = 0;

/** The card's own address, whatever the netdev has been given since. */
export const permanentMacOf = async (
  host: HostView,
  netdev: string,
): Promise<string | undefined> => {
  const link: IpLink | undefined = await queryLink(host, netdev);
  if (link?.permaddr !== undefined) return link.permaddr;
  const assigned = await readNumber(host.fs, netAttribute(netdev, 'addr_assign_type'));
  return assigned === permanent ? link?.address : undefined;
};

/** What users call the settings. */
export const settingWords: Readonly<Record<RefusableSetting, string>> = {
  mac: 'mac',
  vlan: 'vlan',
  qos: 'qos',
  proto: 'proto',
  qinq: 'proto=802.1ad',
  trust: 'trust',
  spoofCheck: 'spoofchk',
  linkState: 'link-state',
  minTxRate: 'min-tx-rate',
  maxTxRate: 'max-tx-rate',
  nodeGuid: 'node-guid',
  portGuid: 'port-guid',
  mtu: 'mtu',
  msix: 'msix',
  driver: 'driver',
};
