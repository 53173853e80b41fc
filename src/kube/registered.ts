import type { HostPath, HostView } from '../host.ts';
import { orUnknown } from '../sysfs/read.ts';
import type { Cluster } from './cluster.ts';
import { isJsonList, objectAt, parseJson } from './json.ts';
import { readObject } from './read-objects.ts';

export const kubeletFolder: HostPath = '/var/lib/kubelet/device-plugins';

/** kubelet's own record of devices, which only root on the node can read. */
export const checkpointPath: HostPath = `${kubeletFolder}/kubelet_internal_checkpoint`;

/** The devices of one resource: how many, and which, where that is known. */
export interface DeviceSet {
  readonly count: number;
  readonly devices?: readonly string[];
}

/**
 * The resources of a node that are registered now. A pool without devices never registers, so a
 * resource that was never there is missing; one whose plugin went away counts 0.
 */
export const registeredResources = async (
  cluster: Cluster,
  host: HostView,
): Promise<ReadonlyMap<string, DeviceSet>> => {
  const node = await readObject(cluster, host, {
    apiVersion: 'v1',
    kind: 'Node',
    name: cluster.node,
  });
  const devices = cluster.here ? await readCheckpoint(host) : undefined;
  const registered = new Map<string, DeviceSet>();
  for (const [resource, amount] of Object.entries(objectAt(node, 'status', 'allocatable'))) {
    const count = Number(amount);
    const known = devices?.get(resource);
    if (Number.isInteger(count)) {
      registered.set(resource, { count, ...(known !== undefined && { devices: known }) });
    }
  }
  return registered;
};

/** The devices of each resource by kubelet's checkpoint; `undefined` where it cannot be read. */
export const readCheckpoint = async ({
  fs,
}: Pick<HostView, 'fs'>): Promise<ReadonlyMap<string, readonly string[]> | undefined> => {
  const text = await orUnknown(fs.readText(checkpointPath));
  if (text === undefined) return undefined;
  const registered = objectAt(parseJson(text), 'Data', 'RegisteredDevices');
  return new Map(
    Object.entries(registered).map(([resource, devices]) => [
      resource,
      isJsonList(devices) ? devices.filter((device) => typeof device === 'string').sort() : [],
    ]),
  );
};
