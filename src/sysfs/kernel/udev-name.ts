import { isTransientName } from '../netdev.ts';
import { pciAttribute, pciDevices } from '../paths.ts';
import { parsePciAddress, routingId } from '../pci-address.ts';
import { listVfIndexes } from '../pci-device.ts';
import { readLinkName, readNumber } from '../read.ts';
import type { Kernel } from './kernel.ts';

/** systemd.net-naming-scheme(7): a VF is named after its PF; net.ifnames=0 leaves ethN. */
export const udevName = async (kernel: Kernel, address: string): Promise<string | undefined> => {
  const { fs, remembered } = kernel;
  if (/(?:^|\s)net\.ifnames=0(?:\s|$)/.test((await fs.readText('/proc/cmdline')) ?? '')) {
    return undefined;
  }
  const pf = await readLinkName(fs, pciAttribute(address, 'physfn'));
  if (pf === undefined) return remembered.get(address)?.netdev.name ?? nameByPlace(fs, address);
  const [pfName] = [...((await fs.list(pciAttribute(pf, 'net'))) ?? [])].sort();
  const index = await indexOfVf(fs, pf, address);
  return pfName === undefined || index === undefined || isTransientName(pfName)
    ? undefined
    : `${pfName}v${index}`;
};

/** Bus and slot, and the function where the slot has several: `enp1s0f1`. */
const nameByPlace = async (fs: Kernel['fs'], address: string): Promise<string | undefined> => {
  const place = parsePciAddress(address);
  if (place === undefined) return undefined;
  const { domain, bus, device, fn } = place;
  const slot = address.slice(0, -1);
  const others = ((await fs.list(pciDevices)) ?? []).filter(
    (each) => each.startsWith(slot) && each !== address,
  );
  return [
    'en',
    domain > 0 ? `P${domain}` : '',
    `p${bus}s${device}`,
    fn > 0 || others.length > 0 ? `f${fn}` : '',
  ].join('');
};

/** The N of the PF's virtfnN link to a VF: known by arithmetic, so that not all links are read. */
const indexOfVf = async (
  fs: Kernel['fs'],
  pf: string,
  address: string,
): Promise<number | undefined> => {
  const [from, to] = [parsePciAddress(pf), parsePciAddress(address)];
  const offset = await readNumber(fs, pciAttribute(pf, 'sriov_offset'));
  const stride = await readNumber(fs, pciAttribute(pf, 'sriov_stride'));
  if (from !== undefined && to !== undefined && offset !== undefined && stride !== undefined) {
    const index = (routingId(to) - routingId(from) - offset) / Math.max(stride, 1);
    if ((await readLinkName(fs, pciAttribute(pf, `virtfn${index}`))) === address) return index;
  }
  for (const index of await listVfIndexes(fs, pf)) {
    if ((await readLinkName(fs, pciAttribute(pf, `virtfn${index}`))) === address) return index;
  }
  return undefined;
};
