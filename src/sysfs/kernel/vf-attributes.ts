import type { HostPath } from '../../host.ts';
import type { Planting } from '../overlay-node.ts';
import { readId, readVfDevice } from '../read.ts';
import type { Kernel } from './kernel.ts';

/** Ids of a VF as hex digits: vendor, class and subsystem are its PF's. */
export interface VfIds {
  readonly vendor: string;
  readonly device: string;
  readonly subVendor: string;
  readonly subDevice: string;
  readonly class: string;
}

/** Vendor, class and subsystem come from the PF, the device id from its SR-IOV capability. */
export const vfIdsOf = async (fs: Kernel['fs'], pfFolder: HostPath): Promise<VfIds> => {
  const id = async (name: string): Promise<string> =>
    (await readId(fs, `${pfFolder}/${name}`)) ?? '0000';
  return {
    vendor: await id('vendor'),
    device: (await readVfDevice(fs, pfFolder)) ?? '0000',
    subVendor: await id('subsystem_vendor'),
    subDevice: await id('subsystem_device'),
    class: await id('class'),
  };
};

/** What every VF of a PF has: taken over from the PF, or of its own. */
export const vfAttributes = async (
  fs: Kernel['fs'],
  pfFolder: HostPath,
  ids: VfIds,
): Promise<Readonly<Record<string, Planting>>> => ({
  ...(await inherited(fs, pfFolder)),
  ...ownAttributes(ids),
});

export const ueventOf = (ids: VfIds, address: string): string => {
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

const modaliasOf = (ids: VfIds): string => {
  const wide = (id: string): string => id.toUpperCase().padStart(8, '0');
  const [base, sub, interfaceClass] = [
    ids.class.slice(0, 2),
    ids.class.slice(2, 4),
    ids.class.slice(4, 6),
  ];
  return `pci:v${wide(ids.vendor)}d${wide(ids.device)}sv${wide(ids.subVendor)}sd${wide(ids.subDevice)}bc${base}sc${sub}i${interfaceClass}`;
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
