import type { Change } from '../change.ts';
import type { Action, HostView } from '../host.ts';
import type { Cluster } from './cluster.ts';
import type { KubeSettings } from './defaults.ts';
import { differenceOf, type ExpectedSets } from './expected-sets.ts';
import { appliedBy } from './fields.ts';
import { listAt, objectAt, textAt } from './json.ts';
import { deletePodsCommand } from './kubectl.ts';
import {
  configMapRef,
  devicePluginDaemonSet,
  devicePluginPodLabel,
} from './manifests/device-plugin.ts';
import type { LiveObject } from './object.ts';
import { nodeManager } from './plan-objects.ts';
import { listObjects, readLog, readObject } from './read-objects.ts';
import { type DeviceSet, registeredResources } from './registered.ts';
import { podsOnNode } from './rollout.ts';

/**
 * The plugin reads its configuration and scans PCI once, at its start. It is restarted on this node
 * when what it registered is not what is expected, and only then: meanwhile its resources count 0.
 */
export const planRestart = async (
  cluster: Cluster,
  host: HostView,
  settings: KubeSettings,
  expected: ExpectedSets,
): Promise<readonly Change[]> => {
  const { namespace } = settings;
  const [pod] = await podsOnNode(cluster, host, { namespace, podLabel: devicePluginPodLabel });
  if (pod === undefined) return [];
  const reason = await staleness(cluster, host, settings, pod, expected);
  if (reason === undefined) return [];
  const users = await usersOf(cluster, host, [...expected.keys()]);
  return [
    {
      action: restartAction(cluster, settings),
      reason: `the device plugin on ${cluster.node} is to start anew: ${reason}`,
      undo: 'irreversible',
      disrupts: disruption(cluster.node, users),
    },
  ];
};

/** Named by the node and not by the pod, so that a run restarts the plugin once at most. */
export const restartAction = (cluster: Cluster, { namespace }: KubeSettings): Action => ({
  kind: 'object',
  object: {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${devicePluginDaemonSet}@${cluster.node}`, namespace },
  },
  command: deletePodsCommand(cluster.access, {
    namespace,
    labels: devicePluginPodLabel,
    node: cluster.node,
  }),
});

const staleness = async (
  cluster: Cluster,
  host: HostView,
  settings: KubeSettings,
  pod: LiveObject,
  expected: ExpectedSets,
): Promise<string | undefined> => {
  const configMap = await readObject(cluster, host, configMapRef(settings));
  const changed = configMap && appliedBy(configMap, nodeManager(cluster.node))?.time;
  const created = textAt(pod, 'metadata', 'creationTimestamp');
  if (changed !== undefined && created !== undefined && Date.parse(created) < Date.parse(changed)) {
    return 'it runs with the configuration from before';
  }
  const registered = await registeredResources(cluster, host);
  const unregistered: string[] = [];
  for (const [resource, set] of expected) {
    const actual = registered.get(resource);
    // The plugin leaves a pool without devices out.
    if (set.count === 0 && (actual?.count ?? 0) === 0) continue;
    if (actual === undefined || actual.count === 0) unregistered.push(resource);
    else if (!isSame(actual, set)) {
      return `${resource} has ${describe(actual)}, expected are ${describe(set)}`;
    }
  }
  return unregistered.length === 0 ? undefined : skippedPool(cluster, host, pod, unregistered);
};

/** A fresh plugin has not registered yet; one that found no device for a pool never will. */
const skippedPool = async (
  cluster: Cluster,
  host: HostView,
  pod: LiveObject,
  resources: readonly string[],
): Promise<string | undefined> => {
  const lines = (await readLog(cluster, host, pod))
    .split('\n')
    .filter((line) => line.includes('no devices in device pool'));
  const skipped = resources.find((resource) => {
    const name = resource.slice(resource.indexOf('/') + 1);
    return lines.some((line) => line.trimEnd().endsWith(name));
  });
  return skipped && `at its start it found no device for ${skipped}`;
};

/** By number where one of the sets is not known any better. */
const isSame = (actual: DeviceSet, expected: DeviceSet): boolean => {
  if (actual.devices === undefined || expected.devices === undefined) {
    return actual.count === expected.count;
  }
  const { missing, extra } = differenceOf(actual.devices, expected.devices);
  return missing.length + extra.length === 0;
};

const describe = ({ count, devices }: DeviceSet): string =>
  devices === undefined ? `${count} devices` : `${count} devices (${devices.join(', ')})`;

const disruption = (node: string, users: readonly string[]): string => {
  const running =
    users.length === 0
      ? 'no running pod uses its VFs'
      : `running pods keep their VFs (${users.join(', ')})`;
  return `pods that ask for a VF of ${node} in these seconds are refused for good (UnexpectedAdmissionError); ${running}`;
};

/** Pods on this node that hold devices of the resources. */
export const usersOf = async (
  cluster: Cluster,
  host: HostView,
  resources: readonly string[],
): Promise<readonly string[]> => {
  const fields = `spec.nodeName=${cluster.node}`;
  const pods = await listObjects(cluster, host, { resource: 'pods', fields });
  return pods
    .filter((pod) => !['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase') ?? ''))
    .filter((pod) => requestsOf(pod).some((resource) => resources.includes(resource)))
    .map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`);
};

const requestsOf = (pod: LiveObject): readonly string[] =>
  ['initContainers', 'containers']
    .flatMap((field) => listAt(pod, 'spec', field))
    .flatMap((container) => [
      ...Object.keys(objectAt(container, 'resources', 'requests')),
      ...Object.keys(objectAt(container, 'resources', 'limits')),
    ]);
