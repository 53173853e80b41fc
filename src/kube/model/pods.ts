import type { HostFs } from '../../host.ts';
import { isJsonList, listAt, objectAt, parseJson, textAt } from '../json.ts';
import { networksAnnotation, statusAnnotation } from '../manifests/workload.ts';
import type { LiveObject } from '../object.ts';
import { readCheckpoint } from '../registered.ts';

/**
 * What scheduler, kubelet and Multus make of a pod that was put there by itself: it runs at once
 * where a node has what it asks for, with a device of each resource on the interfaces it names.
 */
export const runPod = async (
  fs: HostFs,
  nodes: readonly LiveObject[],
  pod: LiveObject,
): Promise<LiveObject> => {
  if (pod.kind !== 'Pod' || textAt(pod, 'status', 'phase') !== undefined) return pod;
  const missing = resourcesOf(pod).find(
    (resource) =>
      !nodes.some((node) => Number(textAt(node, 'status', 'allocatable', resource)) > 0),
  );
  if (missing !== undefined) {
    const message = `0/${nodes.length} nodes are available: Insufficient ${missing}.`;
    const conditions = [{ type: 'PodScheduled', status: 'False', message }];
    return { ...pod, status: { phase: 'Pending', conditions } };
  }
  const devices = await devicesOf(fs, pod);
  const conditions = ['PodReadyToStartContainers', 'Ready'].map((type) => ({
    type,
    status: 'True',
  }));
  const networks = parseJson(pod.metadata.annotations?.[networksAnnotation] ?? '');
  const attached = isJsonList(networks)
    ? networks.map((network, at) => ({
        name: `${textAt(network, 'namespace') ?? pod.metadata.namespace ?? ''}/${textAt(network, 'name') ?? ''}`,
        interface: textAt(network, 'interface') ?? `net${at + 1}`,
        'device-info': { type: 'pci', version: '1.1.0', pci: { 'pci-address': devices[at] ?? '' } },
      }))
    : undefined;
  const annotations = {
    ...pod.metadata.annotations,
    ...(attached !== undefined && { [statusAnnotation]: JSON.stringify(attached) }),
  };
  return {
    ...pod,
    metadata: { ...pod.metadata, ...(Object.keys(annotations).length > 0 && { annotations }) },
    status: { phase: 'Running', conditions, podIP: '10.244.1.7' },
  };
};

/** The first devices that kubelet has of each resource. */
const devicesOf = async (fs: HostFs, pod: LiveObject): Promise<readonly string[]> => {
  const registered = await readCheckpoint({ fs });
  return resourcesOf(pod).flatMap((resource) => registered?.get(resource)?.slice(0, 1) ?? []);
};

/** The extended resources that a pod asks for. */
const resourcesOf = (pod: LiveObject): readonly string[] =>
  listAt(pod, 'spec', 'containers')
    .flatMap((container) => Object.keys(objectAt(container, 'resources', 'requests')))
    .filter((resource) => resource.includes('/'));
