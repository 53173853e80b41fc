import { posix } from 'node:path';
import type { HostPath } from '../../host.ts';
import type { Planting } from '../overlay-node.ts';
import { pciAttribute, pciDevice, pciDevices } from '../paths.ts';
import { formatPciAddress, parsePciAddress, vfAddress } from '../pci-address.ts';
import { readLinkName, readNumber } from '../read.ts';
import { readSriovCapability, type SriovCapability } from './capability.ts';
import { type IommuPlace, iommuPlaceOf, joinIommuGroup, leaveIommuGroup } from './iommu.ts';
import { folderOf, type Kernel } from './kernel.ts';
import { ueventOf, type VfIds, vfAttributes, vfIdsOf } from './vf-attributes.ts';
import { type Bar, resourceOf, vfBarsOf } from './vf-bars.ts';

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

/** Offset and stride where the kernel does not say them (before Linux 4.15): those of most Intel cards. */
const usualPlaces = { offset: 128, stride: 2 };

/** Reads of the PF what its VFs will look like. */
export const vfMouldOf = async (kernel: Kernel, pf: string): Promise<VfMould> => {
  const { fs, deviations } = kernel;
  const pfFolder = await folderOf(kernel, pf);
  const number = (name: string) => readNumber(fs, `${pfFolder}/${name}`);
  const ids = await vfIdsOf(fs, pfFolder);
  const capability = await readSriovCapability(kernel, pfFolder);
  return {
    pf,
    pfFolder,
    parent: posix.dirname(pfFolder) as HostPath,
    offset: (await number('sriov_offset')) ?? usualPlaces.offset,
    stride: ((await number('sriov_stride')) ?? usualPlaces.stride) + (deviations.strideOff ?? 0),
    ids,
    attributes: await vfAttributes(fs, pfFolder, ids),
    bars: await vfBarsOf(kernel, pfFolder, capability),
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
  kernel.msixCounts.delete(address);
};
