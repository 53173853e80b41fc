import { posix } from 'node:path';
import type { HostPath } from '../../host.ts';
import { iommuGroups, pciAttribute } from '../paths.ts';
import { readLinkName } from '../read.ts';
import type { Kernel } from './kernel.ts';

/** Where the VFs of a PF belong: each gets a group of its own, unless the slot isolates nothing. */
export interface IommuPlace {
  readonly pfGroup: HostPath;
  /** The PF's link to its IOMMU unit, which the VFs share. */
  readonly unit: string | undefined;
  /** Without ACS the bridge above is in the PF's group, and so will be the VFs. */
  readonly shared: boolean;
  readonly taken: Set<string>;
}

/** `undefined` where no IOMMU translates for the PF. */
export const iommuPlaceOf = async (
  { fs }: Kernel,
  pfFolder: HostPath,
): Promise<IommuPlace | undefined> => {
  const group = await readLinkName(fs, `${pfFolder}/iommu_group`);
  if (group === undefined) return undefined;
  const bridge = posix.basename(posix.dirname(pfFolder));
  const members = (await fs.list(`${iommuGroups}/${group}/devices`)) ?? [];
  return {
    pfGroup: `${iommuGroups}/${group}`,
    unit: await fs.readLink(`${pfFolder}/iommu`),
    shared: members.includes(bridge),
    taken: new Set(await fs.list(iommuGroups)),
  };
};

/** Puts a new function into its group; numbers of groups that are gone are used again (ida_alloc). */
export const joinIommuGroup = async (
  { fs }: Kernel,
  place: IommuPlace,
  folder: HostPath,
): Promise<void> => {
  const group = place.shared ? place.pfGroup : await makeGroup(fs, place);
  await fs.setLink(`${folder}/iommu_group`, posix.relative(folder, group));
  await linkInto(fs, `${group}/devices`, folder);
  if (place.unit === undefined) return;
  await fs.setLink(`${folder}/iommu`, place.unit);
  await linkInto(fs, posix.resolve(folder, place.unit, 'devices') as HostPath, folder);
};

/** Takes a function out of its group; a group without members is gone. */
export const leaveIommuGroup = async ({ fs }: Kernel, address: string): Promise<void> => {
  const group = await readLinkName(fs, pciAttribute(address, 'iommu_group'));
  if (group === undefined) return;
  const unit = await fs.realPath(pciAttribute(address, 'iommu'));
  if (unit !== undefined) await fs.remove(`${unit}/devices/${address}`);
  const folder: HostPath = `${iommuGroups}/${group}`;
  await fs.remove(`${folder}/devices/${address}`);
  if ((await fs.list(`${folder}/devices`))?.length === 0) await fs.remove(folder);
};

const makeGroup = async (fs: Kernel['fs'], { pfGroup, taken }: IommuPlace): Promise<HostPath> => {
  let number = 0;
  while (taken.has(String(number))) number += 1;
  taken.add(String(number));
  const group: HostPath = `${iommuGroups}/${number}`;
  const like = async (name: string, mode: number) => ({
    [name]: { content: (await fs.readText(`${pfGroup}/${name}`)) ?? '', mode },
  });
  await fs.plant(group, {
    folder: {
      devices: { folder: {} },
      ...(await like('type', 0o644)),
      ...(await like('reserved_regions', 0o444)),
    },
  });
  return group;
};

const linkInto = (fs: Kernel['fs'], list: HostPath, folder: HostPath): Promise<void> =>
  fs.setLink(`${list}/${posix.basename(folder)}`, posix.relative(list, folder));
