import type { CheckResult } from '../check.ts';
import type { HostView } from '../host.ts';
import type { Cluster } from './cluster.ts';
import { at, isJsonObject, type JsonObject, listAt, textAt } from './json.ts';
import { podGeneration, templateGeneration } from './manifests/daemon-set.ts';
import type { LiveObject } from './object.ts';
import { listObjects, readObject } from './read-objects.ts';

/** A DaemonSet and the label of its pods. */
export interface Rollout {
  readonly name: string;
  readonly namespace: string;
  readonly podLabel: string;
}

/** Whether a DaemonSet's pod on this node runs and is of its newest template. */
export const rolledOut = async (
  cluster: Cluster,
  host: HostView,
  rollout: Rollout,
): Promise<CheckResult> => {
  const { name, namespace } = rollout;
  const ref = { apiVersion: 'apps/v1', kind: 'DaemonSet', name, namespace };
  const daemonSet = await readObject(cluster, host, ref);
  if (daemonSet === undefined) {
    return {
      status: 'fail',
      problem: `DaemonSet ${namespace}/${name} is not there`,
      hint: 'Run `sriovctl setup`, or `sriovctl kube apply`.',
    };
  }
  const [pod] = await podsOnNode(cluster, host, rollout);
  if (pod === undefined) {
    return {
      status: 'pending',
      awaited: `a pod of DaemonSet ${namespace}/${name} on ${cluster.node}`,
    };
  }
  if (!isOfNewestTemplate(pod, daemonSet)) {
    return {
      status: 'pending',
      awaited: `the new pod of DaemonSet ${namespace}/${name} on ${cluster.node}`,
    };
  }
  const trouble = podTrouble(pod);
  return trouble === undefined
    ? { status: 'pass', detail: `${namespace}/${pod.metadata.name} is ready` }
    : { status: 'pending', awaited: `pod ${namespace}/${pod.metadata.name}: ${trouble}` };
};

/** A DaemonSet's pods on this node; those on their way out do not count. */
export const podsOnNode = async (
  cluster: Cluster,
  host: HostView,
  pods: Omit<Rollout, 'name'>,
): Promise<readonly LiveObject[]> =>
  (await podsOfNode(cluster, host, pods)).filter(
    (pod) => at(pod, 'metadata', 'deletionTimestamp') === undefined,
  );

/** A DaemonSet's pods on this node until they are gone. */
export const podsOfNode = (
  cluster: Cluster,
  host: HostView,
  { namespace, podLabel }: Omit<Rollout, 'name'>,
): Promise<readonly LiveObject[]> =>
  listObjects(cluster, host, {
    resource: 'pods',
    namespace,
    labels: podLabel,
    fields: `spec.nodeName=${cluster.node}`,
  });

/** The controller writes the template's generation on the DaemonSet and on each of its pods. */
const isOfNewestTemplate = (pod: LiveObject, daemonSet: LiveObject): boolean => {
  const wanted = daemonSet.metadata.annotations?.[templateGeneration];
  const actual = pod.metadata.labels?.[podGeneration];
  return wanted === undefined || actual === undefined || wanted === actual;
};

/** Why a pod is not ready, in kubelet's words; `undefined` if it is. */
export const podTrouble = (pod: LiveObject): string | undefined => {
  const ready = listAt(pod, 'status', 'conditions').some(
    (condition) => textAt(condition, 'type') === 'Ready' && textAt(condition, 'status') === 'True',
  );
  if (ready) return undefined;
  const states = ['initContainerStatuses', 'containerStatuses']
    .flatMap((field) => listAt(pod, 'status', field))
    .filter(isJsonObject)
    .flatMap(stateOf);
  const reason = textAt(pod, 'status', 'reason');
  const phase = textAt(pod, 'status', 'phase') ?? 'Pending';
  return states[0] ?? (reason === undefined ? phase : `${phase} (${reason})`);
};

const stateOf = (status: JsonObject): readonly string[] => {
  const name = textAt(status, 'name') ?? '';
  const waiting = textAt(status, 'state', 'waiting', 'reason');
  if (waiting !== undefined) {
    const message = textAt(status, 'state', 'waiting', 'message');
    return [`${name} ${waiting}${message === undefined ? '' : `: ${message}`}`];
  }
  const code = at(status, 'state', 'terminated', 'exitCode');
  return typeof code === 'number' && code !== 0 ? [`${name} ended with exit code ${code}`] : [];
};
