import { posix } from 'node:path';
import type { FileStat, HostPath } from '../../src/host.ts';

/** What has to be seen of a host to compare it with another. */
export interface Observed {
  /** The text, or the errno in words: `reading fails with EINVAL`. */
  read(path: HostPath): Promise<string | { readonly errno: string }>;
  readLink(path: HostPath): Promise<string | undefined>;
  list(path: HostPath): Promise<readonly string[] | undefined>;
  stat(path: HostPath): Promise<Pick<FileStat, 'kind' | 'mode'> | undefined>;
}

/** What is compared: these folders with everything below them, links shown and not followed. */
const comparedBelow = (functions: readonly string[]): readonly HostPath[] => [
  '/dev/vfio',
  '/sys/bus/pci/drivers/igb',
  '/sys/bus/pci/drivers/igbvf',
  '/sys/bus/pci/drivers/vfio-pci',
  '/sys/class/net',
  '/sys/devices/virtual/iommu/dmar0/devices',
  '/sys/kernel/iommu_groups',
  ...functions.map((address): HostPath => `/sys/bus/pci/devices/${address}`),
];

/** What is not compared, and why not. */
const excluded: readonly { readonly names: RegExp; readonly because: string }[] = [
  { names: /\/power(?:\/|$)/, because: 'runtime power management counts and measures time' },
  { names: /\/statistics(?:\/|$)/, because: 'counters' },
  { names: /\/carrier_(?:changes|up_count|down_count)$/, because: 'counters' },
  { names: /\/enp1s0f\dv\d\/(?:speed|duplex)$/, because: 'always 1000 Mb/s with this emulation' },
  { names: /\/queues(?:\/|$)/, because: 'one folder a queue, as many as the machine has CPUs' },
  { names: /\/msi_irqs(?:\/|$)/, because: 'interrupt numbers' },
  { names: /\/resource\d(?:_wc)?$/, because: 'windows to be mapped, not text' },
  { names: /\/config$/, because: 'registers, not text' },
  { names: /\/link(?:\/|$)/, because: 'power management of the slot' },
  { names: /\/firmware_node$/, because: 'ACPI' },
  { names: /\/wakeup(?:\/|$)/, because: 'ACPI' },
  { names: /\/waiting_for_supplier$/, because: 'bookkeeping of the firmware’s description' },
  { names: /\/ptp(?:\/|$)/, because: 'clocks' },
  { names: /\/vfio-dev(?:\/|$)/, because: 'vfio’s own numbers' },
  { names: /\/aer_dev_\w+$/, because: 'error counters' },
];

/** The functions that are compared: those of the card. */
const cardFunction = /^0000:01:/;

/** Everything that is compared, by its path; numbers that the kernel deals out are named instead. */
export const observe = async (host: Observed): Promise<ReadonlyMap<string, string>> => {
  const devices = (await host.list('/sys/bus/pci/devices')) ?? [];
  const functions = devices.filter((name) => cardFunction.test(name)).sort();
  const groups = await groupNames(host);
  const found = new Map<string, string>();
  const look = async (path: HostPath): Promise<void> => {
    if (excluded.some(({ names }) => names.test(path))) return;
    const seen = await lookAt(host, path);
    if (seen === undefined) return;
    found.set(nameGroup(path, groups), normalize(path, nameGroup(seen.text, groups)));
    for (const name of seen.names) await look(`${path === '/' ? '' : path}/${name}`);
  };
  found.set('/sys/bus/pci/devices', functions.join(' '));
  for (const path of comparedBelow(functions)) {
    // A device's entry is a link to it: what is compared is behind it.
    const names = cardFunction.test(path.split('/').at(-1) ?? '')
      ? await host.list(path)
      : undefined;
    if (names === undefined) await look(path);
    for (const name of names ?? []) await look(`${path}/${name}`);
  }
  return found;
};

/** The difference of two observations: what is new or other, and null for what is gone as a whole. */
export const difference = (
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): Readonly<Record<string, string | null>> => {
  const changes: Record<string, string | null> = {};
  const gone = new Set<string>();
  for (const path of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    if (before.get(path) === after.get(path)) continue;
    if (after.has(path)) changes[path] = after.get(path) ?? '';
    // With a folder all that was in it is gone.
    else if (!gone.has(posix.dirname(path))) changes[path] = null;
    if (!after.has(path)) gone.add(path);
  }
  return changes;
};

const lookAt = async (
  host: Observed,
  path: HostPath,
): Promise<{ readonly text: string; readonly names: readonly string[] } | undefined> => {
  const stat = await host.stat(path);
  if (stat === undefined) return undefined;
  if (stat.kind === 'link') return { text: `-> ${(await host.readLink(path)) ?? ''}`, names: [] };
  if (stat.kind === 'directory') {
    return { text: 'folder', names: [...((await host.list(path)) ?? [])].sort() };
  }
  const content = path.startsWith('/dev/') ? '' : await host.read(path);
  const text = typeof content === 'string' ? content.replace(/\n$/, '') : content.errno;
  return { text: `${stat.mode.toString(8).padStart(3, '0')} ${text}`, names: [] };
};

/** Groups are named after their members: their numbers differ from boot to boot. */
const groupNames = async (host: Observed): Promise<ReadonlyMap<string, string>> => {
  const names = new Map<string, string>();
  for (const group of (await host.list('/sys/kernel/iommu_groups')) ?? []) {
    const members = (await host.list(`/sys/kernel/iommu_groups/${group}/devices`)) ?? [];
    names.set(group, `group of ${[...members].sort().join(' and ')}`);
  }
  return names;
};

const nameGroup = (text: string, groups: ReadonlyMap<string, string>): string =>
  text.replace(
    /(\/iommu_groups\/|\/dev\/vfio\/)(\d+)/,
    (_, before: string, number: string) => before + (groups.get(number) ?? 'no such group'),
  );

/** MAC addresses are random, interface numbers count every interface since the boot. */
const normalize = (path: HostPath, text: string): string => {
  if (path.endsWith('/address')) return text.replace(/(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/, 'MAC');
  if (/\/if(?:index|link)$/.test(path)) return text.replace(/\d+$/, 'number');
  return text.replace(/IFINDEX=\d+/, 'IFINDEX=number');
};
