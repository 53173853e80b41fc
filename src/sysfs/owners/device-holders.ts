import type { HostFs } from '../../host.ts';
import { pciAttribute, processFile, vfioFolder } from '../paths.ts';
import type { VirtualFunction } from '../pci-device.ts';
import { orUnknown } from '../read.ts';
import { describeProcess, listProcesses } from './process.ts';
import type { FindUses, VfUse } from './vf-use.ts';

/** How a link in /proc/<pid>/fd to a vfio device reads that was got from its group (vfio_device_get_fd). */
const namelessDevice = 'anon_inode:[vfio-device]';

/** Processes that have a VF's device open: a guest or DPDK through vfio or UIO, an RDMA program through verbs. */
export const deviceHolders: FindUses = async ({ fs }, vfs) => {
  const nodes = new Map<string, VirtualFunction[]>();
  for (const vf of vfs) {
    for (const node of await deviceNodes(fs, vf)) nodes.set(node, [...(nodes.get(node) ?? []), vf]);
  }
  // Looking at every open file of every process takes its time, so only if there is something to find.
  if (nodes.size === 0) return [];
  const uses: VfUse[] = [];
  for (const pid of await listProcesses(fs)) {
    const open = await openDevices(fs, pid);
    const held = [...nodes].flatMap(([node, users]) => (open.has(node) ? users : []));
    if (held.length > 0) uses.push(...(await usesBy(fs, pid, held)));
    else if (open.has(namelessDevice) && !hasGroup(open)) {
      uses.push(...(await possibleUses(fs, pid, vfs)));
    }
  }
  return uses;
};

/** The nodes in /dev through which programs use a VF, by the folders its drivers make in sysfs. */
const deviceNodes = async (fs: HostFs, vf: VirtualFunction): Promise<readonly string[]> => {
  const names = async (folder: string): Promise<readonly string[]> =>
    (await fs.list(pciAttribute(vf.address, folder))) ?? [];
  const group = vf.driver === 'vfio-pci' ? vf.iommuGroup : undefined;
  return [
    ...(group === undefined ? [] : [`${vfioFolder}/${group}`, `${vfioFolder}/noiommu-${group}`]),
    ...(await names('vfio-dev')).map((name) => `${vfioFolder}/devices/${name}`),
    ...(await names('uio')).map((name) => `/dev/${name}`),
    ...(await names('infiniband_verbs')).map((name) => `/dev/infiniband/${name}`),
  ];
};

const openDevices = async (fs: HostFs, pid: number): Promise<ReadonlySet<string>> => {
  const open = new Set<string>();
  for (const fd of (await orUnknown(fs.list(processFile(pid, 'fd')))) ?? []) {
    const target = await orUnknown(fs.readLink(processFile(pid, `fd/${fd}`)));
    if (target?.startsWith('/dev/') === true || target === namelessDevice) open.add(target);
  }
  return open;
};

const usesBy = async (
  fs: HostFs,
  pid: number,
  held: readonly VirtualFunction[],
): Promise<readonly VfUse[]> => {
  const by = await describeProcess(fs, pid);
  return [...new Set(held)].map((vf) => ({ vf, by, ...blocking(vf) }));
};

/** The removal of a VF from vfio-pci waits for its users (vfio_unregister_group_dev). */
const blocking = ({ driver }: VirtualFunction): Pick<VfUse, 'blocks'> =>
  driver === 'vfio-pci' ? { blocks: true } : {};

/** A process may close the group and keep the device; which one that is, the kernel does not say. */
const possibleUses = async (
  fs: HostFs,
  pid: number,
  vfs: readonly VirtualFunction[],
): Promise<readonly VfUse[]> => {
  const by = `${await describeProcess(fs, pid)}, which has some vfio device open`;
  return vfs
    .filter(({ driver }) => driver === 'vfio-pci')
    .map((vf) => ({ vf, by, blocks: true as const }));
};

const hasGroup = (open: ReadonlySet<string>): boolean =>
  [...open].some((target) => /^\/dev\/vfio\/(?:noiommu-)?\d+$/.test(target));
