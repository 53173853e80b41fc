import { posix } from 'node:path';
import type { HostPath } from '../../host.ts';
import type { Planting } from '../overlay.ts';
import { pciAttribute, pciDevice, pciDevices } from '../paths.ts';
import { formatPciAddress, parsePciAddress, vfAddress } from '../pci-address.ts';
import { readAttribute, readId, readLinkName, readNumber } from '../read.ts';
import { readSriovCapability, type SriovCapability } from './capability.ts';
import { driverFacts } from './drivers.ts';
import { type IommuPlace, iommuPlaceOf, joinIommuGroup, leaveIommuGroup } from './iommu.ts';
import { folderOf, type Kernel } from './kernel.ts';

/** Everything that the VFs of one PF have in common. */
export interface VfMould {
  readonly pf: string;
  /** The bridge's folder: VFs stand beside their PF whatever bus they are on. */
  readonly parent: HostPath;
  readonly pfFolder: HostPath;
  readonly offset: number;
  readonly stride: number;
  readonly attributes: Readonly<Record<string, Planting>>;
  readonly ids: VfIds;
  readonly bars: readonly Bar[];
  readonly capability: SriovCapability | undefined;
  readonly iommu: IommuPlace | undefined;
}

interface VfIds {
  readonly vendor: string;
  readonly device: string;
  readonly subVendor: string;
  readonly subDevice: string;
  readonly class: string;
}

/** A VF BAR of the PF, which covers those of all VFs the card can have. */
interface Bar {
  readonly start: bigint;
  readonly size: bigint;
  readonly flags: bigint;
}

/** Offset and stride where the kernel does not say them (before Linux 4.15): those of most Intel cards. */
const usualPlaces = { offset: 128, stride: 2 };

/** Reads of the PF what its VFs will look like. */
export const vfMouldOf = async (kernel: Kernel, pf: string): Promise<VfMould> => {
  const { fs, deviations } = kernel;
  const pfFolder = await folderOf(kernel, pf);
  const number = (name: string) => readNumber(fs, `${pfFolder}/${name}`);
  const ids = await idsOf(fs, pfFolder);
  const capability = await readSriovCapability(kernel, pfFolder);
  return {
    pf,
    pfFolder,
    parent: posix.dirname(pfFolder) as HostPath,
    offset: (await number('sriov_offset')) ?? usualPlaces.offset,
    stride: ((await number('sriov_stride')) ?? usualPlaces.stride) + (deviations.strideOff ?? 0),
    ids,
    attributes: { ...(await inherited(fs, pfFolder)), ...ownAttributes(ids) },
    bars: await barsOf(kernel, pf, capability),
    capability,
    iommu: await iommuPlaceOf(kernel, pfFolder),
  };
};

/** Adds one VF: device, group, links; its address. The driver comes after that (pci_iov_add_virtfn). */
export const addVf = async (kernel: Kernel, mould: VfMould, index: number): Promise<string> => {
  const { fs } = kernel;
  const { pf, parent, pfFolder, ids } = mould;
  const place = parsePciAddress(pf);
  if (place === undefined) throw new Error(`${pf} is no PCI address`);
  const address = formatPciAddress(vfAddress(place, mould, index));
  const folder: HostPath = `${parent}/${address}`;
  await fs.plant(folder, {
    folder: {
      ...mould.attributes,
      resource: { content: resourceOf(mould.bars, index), mode: 0o444 },
      uevent: ueventOf(ids, address),
      ...(kernel.deviations.withoutPhysfn === true ? {} : { physfn: { link: `../${pf}` } }),
    },
  });
  await fs.setLink(pciDevice(address), posix.relative(pciDevices, folder));
  if (mould.iommu !== undefined) await joinIommuGroup(kernel, mould.iommu, folder);
  await fs.setLink(`${pfFolder}/virtfn${index}`, `../${address}`);
  kernel.newVfs.add(address);
  return address;
};

/** Takes one VF away, after its driver. */
export const removeVf = async (kernel: Kernel, pf: string, index: number): Promise<void> => {
  const { fs } = kernel;
  const address = await readLinkName(fs, pciAttribute(pf, `virtfn${index}`));
  if (address === undefined) return;
  await leaveIommuGroup(kernel, address);
  const folder = await folderOf(kernel, address);
  await fs.remove(pciAttribute(pf, `virtfn${index}`));
  await fs.remove(pciDevice(address));
  await fs.remove(folder);
  kernel.remembered.delete(address);
  kernel.unheard.delete(address);
  kernel.vfConfigs.delete(address);
};

/** Attributes that a VF shows as its PF does. */
const inheritedNames = [
  'aer_dev_correctable',
  'aer_dev_fatal',
  'aer_dev_nonfatal',
  'ari_enabled',
  'class',
  'current_link_speed',
  'current_link_width',
  'local_cpulist',
  'local_cpus',
  'max_link_speed',
  'max_link_width',
  'msi_bus',
  'numa_node',
  'revision',
  'subsystem_device',
  'subsystem_vendor',
  'vendor',
] as const;

const inherited = async (
  fs: Kernel['fs'],
  pfFolder: HostPath,
): Promise<Record<string, Planting>> => {
  const found: Record<string, Planting> = {};
  for (const name of inheritedNames) {
    const content = await fs.readText(`${pfFolder}/${name}`);
    const mode = (await fs.stat(`${pfFolder}/${name}`))?.mode ?? 0o444;
    if (content !== undefined) found[name] = { content, mode };
  }
  return found;
};

const fixed = (content: string): Planting => ({ content, mode: 0o444 });
const writeOnly: Planting = { content: '', mode: 0o200 };

const ownAttributes = (ids: VfIds): Record<string, Planting> => ({
  broken_parity_status: '0\n',
  config: configOf(ids),
  consistent_dma_mask_bits: fixed('32\n'),
  d3cold_allowed: '0\n',
  device: fixed(`0x${ids.device}\n`),
  dma_mask_bits: fixed('32\n'),
  driver_override: '(null)\n',
  enable: '0\n',
  irq: fixed('0\n'),
  link: { folder: { l0s_aspm: '0\n' } },
  modalias: fixed(`${modaliasOf(ids)}\n`),
  power: { folder: { control: 'on\n', runtime_status: fixed('active\n') } },
  power_state: fixed('unknown\n'),
  reset: writeOnly,
  reset_method: 'flr\n',
  sriov_vf_msix_count: writeOnly,
  subsystem: { link: '../../../../bus/pci' },
});

/** Vendor, class and subsystem come from the PF, the device id from its SR-IOV capability. */
const idsOf = async (fs: Kernel['fs'], pfFolder: HostPath): Promise<VfIds> => {
  const id = async (name: string): Promise<string> =>
    (await readId(fs, `${pfFolder}/${name}`)) ?? '0000';
  return {
    vendor: await id('vendor'),
    device: await id('sriov_vf_device'),
    subVendor: await id('subsystem_vendor'),
    subDevice: await id('subsystem_device'),
    class: await id('class'),
  };
};

const modaliasOf = (ids: VfIds): string => {
  const wide = (id: string): string => id.toUpperCase().padStart(8, '0');
  const [base, sub, interfaceClass] = [
    ids.class.slice(0, 2),
    ids.class.slice(2, 4),
    ids.class.slice(4, 6),
  ];
  return `pci:v${wide(ids.vendor)}d${wide(ids.device)}sv${wide(ids.subVendor)}sd${wide(ids.subDevice)}bc${base}sc${sub}i${interfaceClass}`;
};

const ueventOf = (ids: VfIds, address: string): string => {
  const pair = (vendor: string, device: string): string => `${vendor}:${device}`.toUpperCase();
  return [
    `PCI_CLASS=${ids.class.replace(/^0+/, '').toUpperCase()}`,
    `PCI_ID=${pair(ids.vendor, ids.device)}`,
    `PCI_SUBSYS_ID=${pair(ids.subVendor, ids.subDevice)}`,
    `PCI_SLOT_NAME=${address}`,
    `MODALIAS=${modaliasOf(ids)}`,
    '',
  ].join('\n');
};

/** A VF answers ffff for vendor and device; the kernel takes them from the PF (PCIe SR-IOV 9.3.4.1). */
const configOf = (ids: VfIds): Uint8Array => {
  const bytes = new Uint8Array(256);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0xffffffff);
  view.setUint16(6, 0x0010, true);
  view.setUint32(8, Number.parseInt(ids.class, 16) << 8, true);
  view.setUint16(0x2c, Number.parseInt(ids.subVendor, 16), true);
  view.setUint16(0x2e, Number.parseInt(ids.subDevice, 16), true);
  return bytes;
};

/** Lines 8 to 13 of a PF's `resource`: the VF BARs (PCI_IOV_RESOURCES). */
const vfBarLines = { first: 7, count: 6 };

const barsOf = async (
  kernel: Kernel,
  pf: string,
  capability: SriovCapability | undefined,
): Promise<readonly Bar[]> => {
  const { fs } = kernel;
  const text = (await readAttribute(fs, pciAttribute(pf, 'resource'))) ?? '';
  const driver = await readLinkName(fs, pciAttribute(pf, 'driver'));
  const total = await readNumber(fs, pciAttribute(pf, 'sriov_totalvfs'));
  const limit = driver === undefined ? undefined : driverFacts(driver).most;
  const vfs = BigInt(Math.max(1, capability?.totalVfs ?? limit?.of ?? total ?? 1));
  return text
    .split('\n')
    .slice(vfBarLines.first, vfBarLines.first + vfBarLines.count)
    .map((line) => {
      const [start = 0n, end = 0n, flags = 0n] = line.split(' ').map(BigInt);
      return { start, size: flags === 0n ? 0n : (end - start + 1n) / vfs, flags };
    });
};

const resourceOf = (bars: readonly Bar[], index: number): string => {
  const line = (values: readonly bigint[]): string =>
    values.map((value) => `0x${value.toString(16).padStart(16, '0')}`).join(' ');
  const lines = bars.map(({ start, size, flags }) => {
    const from = start + BigInt(index) * size;
    return line(flags === 0n ? [0n, 0n, 0n] : [from, from + size - 1n, flags]);
  });
  while (lines.length < 13) lines.push(line([0n, 0n, 0n]));
  return `${lines.join('\n')}\n`;
};
