import { SriovctlError } from '../errors.ts';
import type { HostFs, HostView } from '../host.ts';
import { queryLinks } from './ip-link.ts';
import { firmwareRemedy } from './known-drivers.ts';
import { listNetdevs, netdevOf, readNetdev } from './netdev.ts';
import { netAttribute, netdev as netdevFolder, pciAttribute, pciDevice } from './paths.ts';
import { normalizePciAddress } from './pci-address.ts';
import { listPfs, type PhysicalFunction, physfnOf, readPf, readSriov } from './pci-device.ts';
import { readId, readLinkName, readNumber } from './read.ts';

const macForm = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;
/** dev_valid_name() in net/core/dev.c: up to 15 bytes without slash, colon or white space. */
const netdevForm = /^(?!\.{1,2}$)[^/:\s%]{1,15}$/u;
/** Altnames may be longer (ALTIFNAMSIZ is 128). */
const altnameForm = /^(?!\.{1,2}$)[^/:\s%]{1,127}$/u;
/** NET_ADDR_PERM, include/uapi/linux/netdevice.h: the address is the card's own. */
const permanent = 0;

/** What a user may call a PF by, and nothing that could leave its folder as part of a path. */
export const isPfSelector = (text: string): boolean =>
  macForm.test(text) || normalizePciAddress(text) !== undefined || altnameForm.test(text);

/**
 * Finds the PF that a netdev name, altname, PCI address or permanent MAC means.
 *
 * @throws SriovctlError PF_NOT_FOUND, PF_IS_VF or NO_SRIOV (exit `refused`).
 */
export const resolvePf = async (host: HostView, selector: string): Promise<string> => {
  const address = await findFunction(host, selector);
  if (address === undefined) throw await notFound(host.fs, selector);
  const parent = await physfnOf(host.fs, address);
  if (parent !== undefined) throw await isVf(host.fs, selector, parent);
  if ((await readSriov(host.fs, address)) === undefined) {
    throw await noSriov(host.fs, selector, address);
  }
  return address;
};

const findFunction = async (host: HostView, selector: string): Promise<string | undefined> => {
  const address = normalizePciAddress(selector);
  if (address !== undefined) {
    return (await host.fs.stat(pciDevice(address))) === undefined ? undefined : address;
  }
  if (macForm.test(selector)) return byMac(host, selector.toLowerCase());
  const direct = netdevForm.test(selector) ? await functionOfNetdev(host.fs, selector) : undefined;
  return direct ?? (await byAltname(host, selector));
};

const functionOfNetdev = (fs: HostFs, name: string): Promise<string | undefined> =>
  readLinkName(fs, `${netdevFolder(name)}/device`);

const byMac = async (host: HostView, mac: string): Promise<string | undefined> =>
  (await permanentMacs(host)).find((own) => own.mac === mac)?.address;

/** VFs may carry any address, so only the functions that are no VF are asked. */
export const permanentMacs = async (
  host: HostView,
): Promise<readonly { readonly address: string; readonly mac: string }[]> => {
  const { fs } = host;
  const links = new Map((await queryLinks(host)).map(({ ifname, permaddr }) => [ifname, permaddr]));
  const found = [];
  for (const name of await listNetdevs(fs)) {
    const address = await functionOfNetdev(fs, name);
    if (address === undefined || (await physfnOf(fs, address)) !== undefined) continue;
    const own = (await readNumber(fs, netAttribute(name, 'addr_assign_type'))) === permanent;
    const mac = links.get(name) ?? (own ? (await readNetdev(fs, name)).mac : undefined);
    if (mac !== undefined) found.push({ address, mac: mac.toLowerCase() });
  }
  return found;
};

const byAltname = async (host: HostView, name: string): Promise<string | undefined> => {
  const link = (await queryLinks(host)).find(({ altnames }) => altnames.includes(name));
  return link === undefined ? undefined : functionOfNetdev(host.fs, link.ifname);
};

const notFound = async (fs: HostFs, selector: string): Promise<SriovctlError> =>
  new SriovctlError('PF_NOT_FOUND', `there is no PF ${JSON.stringify(selector)} on this host`, {
    exit: 'refused',
    hint: await pfsThatExist(fs),
  });

const isVf = async (fs: HostFs, selector: string, parent: string): Promise<SriovctlError> => {
  const pf = await readPf(fs, parent);
  return new SriovctlError('PF_IS_VF', `${selector} is a Virtual Function itself`, {
    exit: 'refused',
    hint: `Its PF is ${pf === undefined ? parent : pfName(pf)}.`,
  });
};

/** How many VFs to have a firmware offer where nobody has said a number. */
const usualCount = 8;

const noSriov = async (fs: HostFs, selector: string, address: string): Promise<SriovctlError> => {
  const driver = await readLinkName(fs, `${pciDevice(address)}/driver`);
  const netdev = await netdevOf(fs, address);
  const what = [netdev === selector ? address : (netdev ?? address), driver]
    .filter(Boolean)
    .join(', ');
  const vendor = (await readId(fs, pciAttribute(address, 'vendor'))) ?? '';
  const device = (await readId(fs, pciAttribute(address, 'device'))) ?? '';
  const ids = { address, vendor, device, ...(driver !== undefined && { driver }) };
  const remedy = firmwareRemedy(ids, usualCount);
  return new SriovctlError('NO_SRIOV', `${selector} (${what}) cannot do SR-IOV`, {
    exit: 'refused',
    hint:
      remedy !== undefined
        ? `Its firmware has SR-IOV switched off, as it seems. ${remedy}`
        : `The card shows no SR-IOV capability; if it should, switch it on in the firmware setup. ${await pfsThatExist(fs)}`,
  });
};

const pfsThatExist = async (fs: HostFs): Promise<string> => {
  const pfs = await listPfs(fs);
  return pfs.length === 0
    ? 'This host has no network card with SR-IOV.'
    : `PFs of this host: ${pfs.map(pfName).join(', ')}.`;
};

const pfName = ({ netdev, address, sriov }: PhysicalFunction): string =>
  `${netdev ?? '(no netdev)'} (${address}, up to ${sriov.totalVfs} VFs)`;
