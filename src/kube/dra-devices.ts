import type { HostView } from '../host.ts';
import type { Cluster } from './cluster.ts';
import { listAt, textAt } from './json.ts';
import { draDriver } from './manifests/dra.ts';
import { listObjects } from './read-objects.ts';

/** The VFs that the DRA driver offers on this node, by address. */
export const advertisedDevices = async (
  cluster: Cluster,
  host: HostView,
): Promise<readonly string[]> => {
  const slices = await listObjects(cluster, host, {
    resource: 'resourceslices.resource.k8s.io',
    fields: `spec.nodeName=${cluster.node},spec.driver=${draDriver}`,
  });
  return slices
    .flatMap((slice) => listAt(slice, 'spec', 'devices'))
    .flatMap((device) => textAt(device, 'attributes', busId, 'string') ?? []);
};

/** The attribute that all drivers of PCI devices share. */
const busId = 'resource.kubernetes.io/pciBusID';
