import { describe, expect, test } from 'vitest';
import type { HostFs, HostPath } from '../../src/host.ts';
import { readIommu, readIommuGroup } from '../../src/sysfs/iommu.ts';
import { Overlay, type Planting } from '../../src/sysfs/overlay.ts';

const nothing: HostFs = {
  readText: async () => undefined,
  readLink: async () => undefined,
  list: async () => undefined,
  stat: async (path) =>
    path === '/' ? { kind: 'directory', mode: 0o755, uid: 0, gid: 0 } : undefined,
};

const hostWith = async (files: Readonly<Record<HostPath, Planting>>): Promise<HostFs> => {
  const overlay = new Overlay(nothing);
  for (const [path, planting] of Object.entries(files)) {
    await overlay.plant(path as HostPath, planting);
  }
  return overlay;
};

const intelCpu = { '/proc/cpuinfo': 'vendor_id : GenuineIntel\nflags : fpu vmx\n' } as const;

describe('what the host says of its IOMMU', () => {
  test.each([
    ['dmar0', 'intel'],
    ['ivhd3', 'amd'],
    ['smmu3.0x000000002b400000', 'arm'],
    ['arm-smmu.0.auto', 'arm'],
    ['s390-iommu.00000000', 'other'],
  ])('a unit %s works, and is %s', async (unit, vendor) => {
    const fs = await hostWith({ [`/sys/class/iommu/${unit}`]: '' });
    expect(await readIommu(fs)).toEqual({ state: 'active', vendor, units: [unit] });
  });

  test('groups without a named unit are an IOMMU as well', async () => {
    const fs = await hostWith({ '/sys/kernel/iommu_groups/0/type': 'DMA\n', ...intelCpu });
    expect(await readIommu(fs)).toMatchObject({ state: 'active', vendor: 'intel' });
  });

  test('groups that vfio made for itself are none', async () => {
    const fs = await hostWith({ '/sys/kernel/iommu_groups/0/name': 'vfio-noiommu\n', ...intelCpu });
    expect(await readIommu(fs)).toMatchObject({ state: 'absent-in-firmware' });
  });

  test.each([
    ['DMAR', 'intel'],
    ['IVRS', 'amd'],
    ['IORT', 'arm'],
  ])('a table %s that the kernel makes nothing of is switched off', async (table, vendor) => {
    const fs = await hostWith({
      '/sys/class/iommu': { folder: {} },
      [`/sys/firmware/acpi/tables/${table}`]: '',
    });
    expect(await readIommu(fs)).toEqual({ state: 'disabled-by-kernel', vendor, table });
  });

  test.each([
    ['vendor_id : GenuineIntel\n', 'intel', false],
    ['vendor_id : HygonGenuine\nflags\t\t: fpu hypervisor svm\n', 'amd', true],
    ['CPU implementer\t: 0x41\n', 'arm', false],
    [undefined, 'other', false],
  ])('without a table there is none (%j)', async (cpuinfo, vendor, virtualMachine) => {
    const fs = await hostWith(cpuinfo === undefined ? {} : { '/proc/cpuinfo': cpuinfo });
    expect(await readIommu(fs)).toEqual({ state: 'absent-in-firmware', vendor, virtualMachine });
  });

  test('a PF has its group by its own link', async () => {
    const fs = await hostWith({
      '/sys/bus/pci/devices/0000:01:00.0/iommu_group': { link: '../../../kernel/iommu_groups/8' },
    });
    expect(await readIommuGroup(fs, '0000:01:00.0')).toBe('8');
    expect(await readIommuGroup(fs, '0000:01:00.1')).toBeUndefined();
  });
});
