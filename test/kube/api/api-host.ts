import { join } from 'node:path';
import { HostError } from '../../../src/errors.ts';
import type { Command, Host } from '../../../src/host.ts';
import { at, listAt, objectAt, parseJson, textAt } from '../../../src/kube/json.ts';
import { type LiveObject, objectsIn } from '../../../src/kube/object.ts';
import { expectedDevices } from '../../../src/kube/pools/expected-devices.ts';
import type { PluginConfig } from '../../../src/kube/pools/plugin-config.ts';
import { runCommand, runToSuccess } from '../../../src/sysfs/linux-command.ts';
import type { HostTree } from '../host-tree.ts';
import { assets, type ControlPlane } from './control-plane.ts';

/**
 * A host in memory with the real kubectl and the real API server. There are no controllers and no
 * kubelet: after each change the pods of DaemonSets and the node's resources are put there instead.
 */
export const apiHost = (
  plane: ControlPlane,
  tree: HostTree,
  kubelets: Kubelets = new Kubelets(plane),
): Host => {
  kubelets.trees.set(tree.hostname, tree);
  const real = ({ argv: [program, ...args], ...rest }: Command): Command => ({
    argv: [program === 'kubectl' ? join(assets ?? '', 'kubectl') : program, ...args],
    ...rest,
  });
  return {
    simulated: false,
    fs: tree,
    query: (command) => runCommand(real(command)),
    perform: async (action) => {
      if (action.kind === 'remove') {
        tree.files.delete(action.path);
        return;
      }
      if (action.kind !== 'object') throw new HostError('EINVAL', action.kind, 'not of a cluster');
      await runToSuccess(real(action.command));
      await kubelets.play();
    },
    now: () => performance.now(),
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
};

/** A node as its kubelet would have registered it. */
export const createNode = async ({ kubectl }: ControlPlane, name: string): Promise<void> => {
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' } },
  };
  await kubectl(['create', '--filename=-'], JSON.stringify(node));
};

const objects = async (
  { kubectl }: ControlPlane,
  ...what: string[]
): Promise<readonly LiveObject[]> =>
  objectsIn(parseJson(await kubectl(['get', ...what, '--output=json'])));

/** The kubelets of all nodes, and the controller of their DaemonSets. */
export class Kubelets {
  readonly trees = new Map<string, HostTree>();
  readonly #plane: ControlPlane;
  #turn = Promise.resolve();

  constructor(plane: ControlPlane) {
    this.#plane = plane;
  }

  /** One at a time, as one controller would. */
  play(): Promise<void> {
    this.#turn = this.#turn.catch(() => undefined).then(() => playKubelet(this.#plane, this.trees));
    return this.#turn;
  }
}

/** One pod for each DaemonSet on each node that it selects, ready at once. */
const playKubelet = async (
  plane: ControlPlane,
  trees: ReadonlyMap<string, HostTree>,
): Promise<void> => {
  const all = await objects(plane, 'daemonsets.apps,pods,nodes', '--all-namespaces');
  const daemonSets = all.filter(({ kind }) => kind === 'DaemonSet');
  const nodes = all.filter(({ kind }) => kind === 'Node');
  const pods = all.filter(({ kind }) => kind === 'Pod');
  for (const daemonSet of daemonSets) {
    const { name, namespace = '' } = daemonSet.metadata;
    for (const node of nodes) {
      const podName = `${name}-${node.metadata.name}`;
      const found = pods.find(
        ({ metadata }) => metadata.name === podName && metadata.namespace === namespace,
      );
      if (!selects(daemonSet, node)) {
        if (found !== undefined) await remove(plane, found);
        continue;
      }
      const isGoing = at(found, 'metadata', 'deletionTimestamp') !== undefined;
      if (found !== undefined && !isGoing && generation(found) === generation(daemonSet)) continue;
      if (found !== undefined) await remove(plane, found);
      await startPod(plane, daemonSet, node.metadata.name);
      const tree = trees.get(node.metadata.name);
      if (tree !== undefined && name.includes('device-plugin'))
        await register(plane, tree, namespace);
    }
  }
  await settlePods(plane, pods, daemonSets);
};

/** Pods of their own run; those of DaemonSets that are gone go. */
const settlePods = async (
  plane: ControlPlane,
  pods: readonly LiveObject[],
  daemonSets: readonly LiveObject[],
): Promise<void> => {
  for (const pod of pods) {
    const owner = textAt(listAt(pod, 'metadata', 'ownerReferences')[0], 'name');
    if (owner === undefined) {
      if (textAt(pod, 'status', 'phase') !== 'Pending') continue;
      await patchStatus(plane.kubectl, targetOf(pod.metadata), running);
    } else if (!daemonSets.some(({ metadata }) => metadata.name === owner)) {
      await remove(plane, pod);
    }
  }
};

const selects = (daemonSet: LiveObject, node: LiveObject): boolean =>
  Object.entries(objectAt(daemonSet, 'spec', 'template', 'spec', 'nodeSelector')).every(
    ([label, value]) => node.metadata.labels?.[label] === value,
  );

const generation = ({ kind, metadata }: LiveObject): string | undefined =>
  kind === 'DaemonSet'
    ? metadata.annotations?.['deprecated.daemonset.template.generation']
    : metadata.labels?.['pod-template-generation'];

const remove = ({ kubectl }: ControlPlane, { metadata }: LiveObject): Promise<string> =>
  kubectl([
    'delete',
    'pod',
    metadata.name,
    `--namespace=${metadata.namespace ?? ''}`,
    '--force',
    '--grace-period=0',
    '--ignore-not-found',
  ]);

const startPod = async (
  { kubectl }: ControlPlane,
  daemonSet: LiveObject,
  node: string,
): Promise<void> => {
  const { name, namespace = '' } = daemonSet.metadata;
  const template = objectAt(daemonSet, 'spec', 'template');
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${name}-${node}`,
      namespace,
      labels: {
        ...objectAt(template, 'metadata', 'labels'),
        'pod-template-generation': generation(daemonSet),
      },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'DaemonSet',
          name,
          uid: textAt(daemonSet, 'metadata', 'uid'),
        },
      ],
    },
    spec: { ...objectAt(template, 'spec'), nodeName: node },
  };
  await kubectl(['create', '--filename=-'], JSON.stringify(pod));
  await patchStatus(kubectl, targetOf({ name: pod.metadata.name, namespace }), running);
};

const running = {
  phase: 'Running',
  conditions: ['PodReadyToStartContainers', 'Ready'].map((type) => ({ type, status: 'True' })),
};

const targetOf = ({
  name,
  namespace = '',
}: Pick<LiveObject['metadata'], 'name' | 'namespace'>): readonly string[] => [
  'pod',
  name,
  `--namespace=${namespace}`,
];

const register = async (
  { kubectl }: ControlPlane,
  tree: HostTree,
  namespace: string,
): Promise<void> => {
  const node = tree.hostname;
  const text = await kubectl([
    'get',
    'configmap',
    'sriovdp-config',
    `--namespace=${namespace}`,
    '-o',
    'json',
  ]);
  const config = parseJson(textAt(parseJson(text), 'data', node) ?? 'null');
  const counts: Record<string, string> = {};
  for (const [resource, { length }] of await expectedDevices(
    tree,
    config as unknown as PluginConfig,
  )) {
    if (length > 0) counts[resource] = String(length);
  }
  await patchStatus(kubectl, ['node', node], { allocatable: counts, capacity: counts });
};

export const patchStatus = async (
  kubectl: ControlPlane['kubectl'],
  target: readonly string[],
  status: object,
): Promise<void> => {
  await kubectl([
    'patch',
    ...target,
    '--subresource=status',
    '--type=merge',
    `--patch=${JSON.stringify({ status })}`,
  ]);
};
