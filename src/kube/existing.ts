import type { HostView } from '../host.ts';
import type { Cluster } from './cluster.ts';
import { listAt, textAt } from './json.ts';
import { isOurs } from './manifests/daemon-set.ts';
import { describeRef, type LiveObject, type ObjectRef, refOf } from './object.ts';
import { listObjects } from './read-objects.ts';

/** Where the SR-IOV network operator is by its own manifests. */
export const operatorNamespace = 'sriov-network-operator';

/** Where Cilium says what it does with the configurations of others. */
export const ciliumConfig: ObjectRef = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: 'cilium-config',
  namespace: 'kube-system',
};

/** What others run on this node already, each in words: `DaemonSet openshift-multus/multus`. */
export interface Existing {
  readonly multus?: string;
  readonly sriovCni?: string;
  readonly devicePlugin?: string;
  readonly operator?: { readonly name: string; readonly namespace: string };
}

/**
 * DaemonSets of others with a pod on this node, told by their images or names: distributions ship
 * Multus under names of their own, with images that only carry a digest.
 */
export const findExisting = async (cluster: Cluster, host: HostView): Promise<Existing> => {
  const daemonSets = await listObjects(cluster, host, { resource: 'daemonsets.apps' });
  const foreign = daemonSets.filter((daemonSet) => !isOurs(daemonSet));
  if (foreign.length === 0) return {};
  const pods = await listObjects(cluster, host, {
    resource: 'pods',
    fields: `spec.nodeName=${cluster.node}`,
  });
  const here = foreign.filter((daemonSet) => pods.some((pod) => isOwnedBy(pod, daemonSet)));
  const matching = (pattern: RegExp): LiveObject | undefined =>
    here.find((one) => traits(one).some((trait) => pattern.test(trait)));
  const found = (pattern: RegExp): string | undefined => {
    const daemonSet = matching(pattern);
    return daemonSet && describeRef(refOf(daemonSet));
  };
  const multus = found(/multus(?!-admission|-networkpolicy|-dynamic)/);
  const sriovCni = found(/(^|[/-])sriov-cni/);
  const devicePlugin = found(/sriov-(network-)?device-plugin/);
  const operator = matching(/sriov-network-(config-daemon|operator)/);
  return {
    ...(multus !== undefined && { multus }),
    ...(sriovCni !== undefined && { sriovCni }),
    ...(devicePlugin !== undefined && { devicePlugin }),
    ...(operator !== undefined && {
      operator: {
        name: describeRef(refOf(operator)),
        namespace: operator.metadata.namespace ?? operatorNamespace,
      },
    }),
  };
};

const isOwnedBy = (pod: LiveObject, daemonSet: LiveObject): boolean =>
  pod.metadata.namespace === daemonSet.metadata.namespace &&
  listAt(pod, 'metadata', 'ownerReferences').some(
    (owner) =>
      textAt(owner, 'kind') === 'DaemonSet' && textAt(owner, 'name') === daemonSet.metadata.name,
  );

/** The name, and the images of all containers: the operator brings the CNI in an init container. */
const traits = (daemonSet: LiveObject): readonly string[] => [
  daemonSet.metadata.name,
  ...['initContainers', 'containers'].flatMap((field) =>
    listAt(daemonSet, 'spec', 'template', 'spec', field).flatMap(
      (container) => textAt(container, 'image') ?? [],
    ),
  ),
];
