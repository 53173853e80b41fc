import * as z from 'zod';
import type { HostFs, HostPath } from '../../host.ts';
import { podOfUid } from './pods.ts';
import type { FindUses } from './vf-use.ts';

/** kubelet's folder; a snap and k0s have their own. */
const kubeletFolders: readonly HostPath[] = [
  '/var/lib/kubelet',
  '/var/snap/microk8s/common/var/lib/kubelet',
  '/var/lib/k0s/kubelet',
];

/** Devices by NUMA node; a plain list before Kubernetes 1.20 (kubelet/cm/devicemanager/checkpoint). */
const checkpointSchema = z.object({
  Data: z.object({
    PodDeviceEntries: z
      .array(
        z.object({
          PodUID: z.string(),
          ResourceName: z.string(),
          DeviceIDs: z.union([z.array(z.string()), z.record(z.string(), z.array(z.string()))]),
        }),
      )
      .nullish(),
  }),
});

/** The pods that kubelet has given a VF: its checkpoint names devices by their PCI address. */
export const kubeletPods: FindUses = async ({ fs }, vfs) => {
  const found = [];
  for (const folder of kubeletFolders) {
    const allocations = await readAllocations(fs, folder);
    const living = allocations.length === 0 ? [] : await fs.list(`${folder}/pods`);
    for (const { uid, resource, devices } of allocations) {
      // kubelet forgets a pod's devices only when it next gives some away; the pod's folder goes sooner.
      if (living?.includes(uid) === false) continue;
      const given = vfs.filter(({ address }) => devices.includes(address));
      if (given.length === 0) continue;
      const by = `${await podOfUid(fs, uid)} (${resource})`;
      found.push(...given.map((vf) => ({ vf, by })));
    }
  }
  return found;
};

interface Allocation {
  readonly uid: string;
  readonly resource: string;
  readonly devices: readonly string[];
}

const readAllocations = async (fs: HostFs, folder: HostPath): Promise<readonly Allocation[]> => {
  const path: HostPath = `${folder}/device-plugins/kubelet_internal_checkpoint`;
  const text = await fs.readText(path);
  const parsed = checkpointSchema.safeParse(text === undefined ? undefined : parseJson(text));
  if (!parsed.success) return [];
  return (parsed.data.Data.PodDeviceEntries ?? []).map(({ PodUID, ResourceName, DeviceIDs }) => ({
    uid: PodUID,
    resource: ResourceName,
    devices: Array.isArray(DeviceIDs) ? DeviceIDs : Object.values(DeviceIDs).flat(),
  }));
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
