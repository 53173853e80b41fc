import type { HostFs } from '../../host.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { modulesFor } from '../kernel/match.ts';
import { pciAttribute, pciDevices } from '../paths.ts';
import { comparePciAddresses, normalizePciAddress } from '../pci-address.ts';
import { type PciDatabase, readPciIds } from '../pci-ids.ts';
import { readId, readLinkName, readNumber } from '../read.ts';
import type { QueryModel } from './command-models.ts';
import { printed } from './printed.ts';

/** The options of `lspci` that the model knows: records (`-vmm`) with names, ids and drivers. */
interface Options {
  readonly domain: boolean;
  /** `n`: ids only; `nn`: names with ids. */
  readonly numeric: number;
  readonly drivers: boolean;
  readonly slot: string | undefined;
}

/** `lspci -vmm` (pciutils 3.9): a record a function, keys and values with a tab between. */
export const lspciModel: QueryModel = async ({ argv }, kernel) => {
  const options = parseOptions(argv.slice(1));
  if (options === undefined) return undefined;
  const database = await readPciIds(kernel.fs);
  const records: string[] = [];
  const addresses = (await kernel.fs.list(pciDevices)) ?? [];
  for (const address of [...addresses].sort(comparePciAddresses)) {
    if (options.slot !== undefined && options.slot !== address) continue;
    const lines = await recordOf(kernel, database, address, options);
    records.push(`${lines.map(([key, value]) => `${key}:\t${value}\n`).join('')}\n`);
  }
  return printed(records.join(''));
};

const parseOptions = (args: readonly string[]): Options | undefined => {
  let letters = '';
  let slot: string | undefined;
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? '';
    if (/^-s/.test(arg)) {
      if (arg === '-s') index += 1;
      slot = normalizePciAddress(arg === '-s' ? (args[index] ?? '') : arg.slice(2));
      if (slot === undefined) return undefined;
    } else if (/^-[Dvmnk]+$/.test(arg)) letters += arg.slice(1);
    else return undefined;
  }
  const count = (letter: string): number => letters.split(letter).length - 1;
  if (count('v') === 0 || count('m') !== 2) return undefined;
  return { domain: count('D') > 0, numeric: count('n'), drivers: count('k') > 0, slot };
};

type Line = readonly [key: string, value: string | number];

const recordOf = async (
  kernel: Kernel,
  database: PciDatabase,
  address: string,
  { domain, numeric, drivers }: Options,
): Promise<readonly Line[]> => {
  const { fs } = kernel;
  const id = await idsOf(fs, address);
  const named = (name: string | undefined, id_: string, kind: string): string => {
    if (numeric === 1) return id_;
    if (numeric > 1) return `${name ?? kind} [${id_}]`;
    return name ?? `${kind} ${id_}`;
  };
  const group = await readLinkName(fs, pciAttribute(address, 'iommu_group'));
  const node = (await readNumber(fs, pciAttribute(address, 'numa_node'))) ?? -1;
  const subsystem: readonly Line[] =
    id.subVendor === '0000' || id.subVendor === 'ffff'
      ? []
      : [
          ['SVendor', named(database.vendor(id.subVendor), id.subVendor, 'Unknown vendor')],
          ['SDevice', named(database.subsystem(id), id.subDevice, 'Device')],
        ];
  return [
    ['Slot', domain ? address : address.replace(/^0000:/, '')],
    ['Class', named(database.class(id.class), id.class.slice(0, 4), 'Class')],
    ['Vendor', named(database.vendor(id.vendor), id.vendor, 'Vendor')],
    ['Device', named(database.device(id.vendor, id.device), id.device, 'Device')],
    ...subsystem,
    ['Rev', id.revision],
    ['ProgIf', id.class.slice(4)],
    ...(drivers ? await driverLines(kernel, address) : []),
    ...(node >= 0 ? [['NUMANode', node] as const] : []),
    ...(group === undefined ? [] : [['IOMMUGroup', group] as const]),
  ];
};

const driverLines = async (kernel: Kernel, address: string): Promise<readonly Line[]> => {
  const driver = await readLinkName(kernel.fs, pciAttribute(address, 'driver'));
  const modules = await modulesFor(kernel, address);
  return [
    ...(driver === undefined ? [] : [['Driver', driver] as const]),
    ...modules.map((module) => ['Module', module] as const),
  ];
};

const idsOf = async (fs: HostFs, address: string) => {
  const id = async (name: string): Promise<string> =>
    (await readId(fs, pciAttribute(address, name))) ?? '0000';
  return {
    vendor: await id('vendor'),
    device: await id('device'),
    subVendor: await id('subsystem_vendor'),
    subDevice: await id('subsystem_device'),
    class: await id('class'),
    revision: await id('revision'),
  };
};
