import type { HostView } from '../host.ts';
import type { Cluster } from './cluster.ts';
import { listAt, textAt } from './json.ts';
import { isOurs } from './manifests/daemon-set.ts';
import { describeRef, type LiveObject, refOf } from './object.ts';
import { listObjects } from './plan-objects.ts';

/** What others run on this node already, each in words: `DaemonSet openshift-multus/multus`. */
export interface Existing {
  readonly multus?: string;
  readonly sriovCni?: string;
  readonly devicePlugin?: string;
  readonly operator?: string;
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
  const found = (pattern: RegExp): string | undefined => {
    const daemonSet = here.find((one) => traits(one).some((trait) => pattern.test(trait)));
    return daemonSet === undefined ? undefined : describeRef(refOf(daemonSet));
  };
  const multus = found(/multus(?!-admission|-networkpolicy|-dynamic)/);
  const sriovCni = found(/(^|[/-])sriov-cni/);
  const devicePlugin = found(/sriov-(network-)?device-plugin/);
  const operator = found(/sriov-network-(config-daemon|operator)/);
  return {
    ...(multus !== undefined && { multus }),
    ...(sriovCni !== undefined && { sriovCni }),
    ...(devicePlugin !== undefined && { devicePlugin }),
    ...(operator !== undefined && { operator }),
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
