import type { HostFs } from '../../host.ts';
import { isJsonList, listAt, objectAt, parseJson, textAt } from '../json.ts';
import { networksAnnotation, statusAnnotation } from '../manifests/workload.ts';
import type { LiveObject } from '../object.ts';
import { readCheckpoint } from '../registered.ts';

/**
 * What a kubelet and Multus make of a pod that was put there by itself: it runs at once, and has a
 * device of each resource that it asks for on the interfaces that it names.
 */
export const runPod = async (fs: HostFs, pod: LiveObject): Promise<LiveObject> => {
  if (pod.kind !== 'Pod' || textAt(pod, 'status', 'phase') !== undefined) return pod;
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
  return listAt(pod, 'spec', 'containers')
    .flatMap((container) => Object.keys(objectAt(container, 'resources', 'requests')))
    .flatMap((resource) => registered?.get(resource)?.slice(0, 1) ?? []);
};
