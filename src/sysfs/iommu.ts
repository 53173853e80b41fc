import type { HostFs, HostPath } from '../host.ts';
import { iommuGroups, pciAttribute } from './paths.ts';
import { readAttribute, readLinkName } from './read.ts';

const iommuClass: HostPath = '/sys/class/iommu';
const acpiTables: HostPath = '/sys/firmware/acpi/tables';
const cpuInfo: HostPath = '/proc/cpuinfo';

export type IommuVendor = 'intel' | 'amd' | 'arm' | 'other';

/**
 * What the running host has, from sysfs alone. The kernel log is no witness: `DMAR: IOMMU enabled` is
 * printed for the parameter without any hardware, and not printed where the IOMMU is on by default.
 */
export type Iommu =
  | {
      readonly state: 'active';
      readonly vendor: IommuVendor;
      /** Names such as dmar0, ivhd0, smmu3.0x…: the units that the kernel drives. */
      readonly units: readonly string[];
    }
  /** The firmware describes one and the kernel does not use it. */
  | { readonly state: 'disabled-by-kernel'; readonly vendor: IommuVendor; readonly table: string }
  /** Switched off in the firmware setup, or not there. */
  | {
      readonly state: 'absent-in-firmware';
      readonly vendor: IommuVendor;
      readonly virtualMachine: boolean;
    };

/** The ACPI tables that describe an IOMMU; their names can be listed by anyone, their content not. */
const tables: Readonly<Record<string, IommuVendor>> = {
  DMAR: 'intel',
  IVRS: 'amd',
  IORT: 'arm',
  VIOT: 'other',
};

export const readIommu = async (fs: HostFs): Promise<Iommu> => {
  const units = [...((await fs.list(iommuClass)) ?? [])].sort();
  if (units.length > 0 || (await hasGroups(fs))) {
    return { state: 'active', vendor: vendorOfUnit(units[0]) ?? (await vendorOf(fs)), units };
  }
  const table = ((await fs.list(acpiTables)) ?? []).find((name) => name in tables);
  if (table !== undefined) {
    return { state: 'disabled-by-kernel', vendor: tables[table] ?? 'other', table };
  }
  const cpu = (await fs.readText(cpuInfo)) ?? '';
  const virtualMachine = /^flags\s*:.*\bhypervisor\b/m.test(cpu);
  return { state: 'absent-in-firmware', vendor: vendorOfCpu(cpu), virtualMachine };
};

/** The IOMMU group of a PCI function; without one no vfio-pci, however many groups there are. */
export const readIommuGroup = (fs: HostFs, address: string): Promise<string | undefined> =>
  readLinkName(fs, pciAttribute(address, 'iommu_group'));

/** Groups that stand for an IOMMU: vfio's mode without one makes groups of its own as well. */
const hasGroups = async (fs: HostFs): Promise<boolean> => {
  for (const group of (await fs.list(iommuGroups)) ?? []) {
    const name = await readAttribute(fs, `${iommuGroups}/${group}/name`);
    if (name !== 'vfio-noiommu') return true;
  }
  return false;
};

const vendorOfUnit = (unit: string | undefined): IommuVendor | undefined => {
  if (unit === undefined) return undefined;
  if (unit.startsWith('dmar')) return 'intel';
  if (unit.startsWith('ivhd')) return 'amd';
  return /^(arm-)?smmu/.test(unit) ? 'arm' : 'other';
};

const vendorOf = async (fs: HostFs): Promise<IommuVendor> => {
  const table = ((await fs.list(acpiTables)) ?? []).find((name) => name in tables);
  if (table !== undefined) return tables[table] ?? 'other';
  return vendorOfCpu((await fs.readText(cpuInfo)) ?? '');
};

/** arm64 names no vendor, but an implementer (arch/arm64/kernel/cpuinfo.c). */
const vendorOfCpu = (cpuinfo: string): IommuVendor => {
  if (cpuinfo.includes('GenuineIntel')) return 'intel';
  if (/AuthenticAMD|HygonGenuine/.test(cpuinfo)) return 'amd';
  return cpuinfo.includes('CPU implementer') ? 'arm' : 'other';
};
