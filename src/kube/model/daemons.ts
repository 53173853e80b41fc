import type { HostFs, HostPath } from '../../host.ts';
import { hostnameOf } from '../hostname.ts';
import { isJsonObject, type JsonObject, listAt, objectAt, parseJson, textAt } from '../json.ts';
import type { KubeAccess } from '../kubectl.ts';
import { isOurs, podGeneration, templateGeneration } from '../manifests/daemon-set.ts';
import { devicePluginConfigMap } from '../manifests/device-plugin.ts';
import { type LiveObject, refOf } from '../object.ts';
import { declaredCounts, expectedDevices } from '../pools/expected-devices.ts';
import type { PluginConfig } from '../pools/plugin-config.ts';
import { checkpointPath, kubeletFolder } from '../registered.ts';
import type { ObjectStore } from './objects.ts';

/** What the controllers and the kubelets of a cluster are simulated with. */
export interface Surroundings {
  readonly store: ObjectStore;
  /** The host that is one of the nodes: its VFs are what the device plugin finds. */
  readonly fs: HostFs;
  readonly writeFile: ((path: HostPath, content: string) => Promise<void>) | undefined;
  /** Advances with each call, in RFC 3339. */
  readonly tick: () => string;
}

/** A pod on each node that a DaemonSet of ours selects, of its newest template, and ready at once. */
export const startDaemons = async (around: Surroundings, access: KubeAccess): Promise<void> => {
  const { store } = around;
  const everywhere = { namespace: undefined, labels: undefined, fields: undefined };
  const daemonSets = await store.list(access, { resource: 'daemonsets.apps', ...everywhere });
  const nodes = await store.list(access, { resource: 'nodes', ...everywhere });
  for (const daemonSet of daemonSets.filter(isOurs)) {
    const pods = await podsOf(store, access, daemonSet);
    for (const node of nodes) {
      const current = pods.filter((pod) => textAt(pod, 'spec', 'nodeName') === node.metadata.name);
      const selected = selects(daemonSet, node);
      const newest = current.filter(
        (pod) => selected && generationOf(pod) === generationOf(daemonSet),
      );
      for (const pod of current) if (!newest.includes(pod)) store.remove(refOf(pod));
      if (selected && newest.length === 0) await startPod(around, access, daemonSet, node);
    }
  }
};

const podsOf = (store: ObjectStore, access: KubeAccess, daemonSet: LiveObject) => {
  const labels = Object.entries(objectAt(daemonSet, 'spec', 'selector', 'matchLabels'))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : ''}`)
    .join(',');
  const { namespace } = daemonSet.metadata;
  return store.list(access, { resource: 'pods', namespace, labels, fields: undefined });
};

const selects = (daemonSet: LiveObject, node: LiveObject): boolean =>
  Object.entries(objectAt(daemonSet, 'spec', 'template', 'spec', 'nodeSelector')).every(
    ([name, value]) => name === 'kubernetes.io/os' || node.metadata.labels?.[name] === value,
  );

/** Pods recorded without a generation count as of the newest template. */
const generationOf = ({ kind, metadata }: LiveObject): string =>
  (kind === 'DaemonSet'
    ? metadata.annotations?.[templateGeneration]
    : metadata.labels?.[podGeneration]) ?? '1';

const startPod = async (
  around: Surroundings,
  access: KubeAccess,
  daemonSet: LiveObject,
  node: LiveObject,
): Promise<void> => {
  const { name, namespace } = daemonSet.metadata;
  const time = around.tick();
  around.store.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${name}-${node.metadata.name}`,
      ...(namespace !== undefined && { namespace }),
      creationTimestamp: time,
      labels: {
        ...objectAt(daemonSet, 'spec', 'template', 'metadata', 'labels'),
        [podGeneration]: generationOf(daemonSet),
      },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name }],
    },
    spec: { nodeName: node.metadata.name },
    status: {
      phase: 'Running',
      startTime: time,
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  } as unknown as LiveObject);
  const images = listAt(daemonSet, 'spec', 'template', 'spec', 'containers').map((container) =>
    textAt(container, 'image'),
  );
  if (images.some((image) => image?.includes('sriov-network-device-plugin') === true)) {
    await registerDevices(around, access, daemonSet, node);
  }
};

/** The plugin reads its configuration and scans PCI once, at its start, and registers what it finds. */
const registerDevices = async (
  { store, fs, writeFile }: Surroundings,
  access: KubeAccess,
  daemonSet: LiveObject,
  node: LiveObject,
): Promise<void> => {
  const { name } = node.metadata;
  const { namespace } = daemonSet.metadata;
  const configMap = await store.get(access, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: devicePluginConfigMap,
    ...(namespace !== undefined && { namespace }),
  });
  const config = parseJson(textAt(configMap, 'data', name) ?? '');
  if (!isJsonObject(config)) return;
  const hostname = await hostnameOf(fs);
  const here = hostname === name || node.metadata.labels?.['kubernetes.io/hostname'] === hostname;
  const plugin = config as unknown as PluginConfig;
  const expected = here ? await expectedDevices(fs, plugin) : new Map<string, readonly string[]>();
  const found = [...expected].filter(([, devices]) => devices.length > 0);
  const counted = here
    ? found.map(([resource, { length }]) => [resource, length] as const)
    : [...declaredCounts(plugin)];
  const counts = Object.fromEntries(counted.map(([resource, count]) => [resource, String(count)]));
  const prefixes = new Set(
    [...expected.keys(), ...Object.keys(counts)].map((resource) => resource.split('/')[0]),
  );
  const known = (field: string): JsonObject => {
    const before = objectAt(node, 'status', field);
    const gone = Object.keys(before).filter(
      (resource) => resource.includes('/') && prefixes.has(resource.split('/')[0]),
    );
    return { ...before, ...Object.fromEntries(gone.map((resource) => [resource, '0'])), ...counts };
  };
  store.put({
    ...node,
    status: {
      ...objectAt(node, 'status'),
      capacity: known('capacity'),
      allocatable: known('allocatable'),
    },
  });
  const checkpoint = {
    Data: { PodDeviceEntries: null, RegisteredDevices: Object.fromEntries(found) },
  };
  if (!here) return;
  // A tree that was captured without kubelet's folder shows no record of it either.
  if ((await fs.stat(kubeletFolder)) === undefined) return;
  await writeFile?.(checkpointPath, `${JSON.stringify(checkpoint)}\n`);
};
