import type { HostView } from '../host.ts';
import type { KubeSpec } from '../resolved-spec.ts';
import type { Cluster } from './cluster.ts';
import type { CniPaths } from './defaults.ts';
import { at, listAt, textAt } from './json.ts';
import { multusDaemonSet } from './manifests/multus.ts';
import { sriovCniDaemonSet } from './manifests/sriov-cni.ts';
import type { LiveObject } from './object.ts';
import { readObject } from './read-objects.ts';

/**
 * The CNI's folders on a node that is not this host: as the DaemonSets have them that all nodes
 * share, and where there are none yet, as the node's distribution is known to have them.
 */
export const foldersInCluster = async (
  cluster: Cluster,
  host: HostView,
  { namespace }: Pick<KubeSpec, 'namespace'>,
): Promise<NonNullable<KubeSpec['cni']>> => {
  const daemonSet = (name: string) =>
    readObject(cluster, host, { apiVersion: 'apps/v1', kind: 'DaemonSet', name, namespace });
  const multus = await daemonSet(multusDaemonSet);
  const sriovCni = await daemonSet(sriovCniDaemonSet);
  const binDir = hostPathOf(sriovCni, 'cnibin') ?? hostPathOf(multus, 'cnibin');
  const confDir = hostPathOf(multus, 'cni');
  return {
    ...(await foldersOfDistribution(cluster, host)),
    ...(binDir !== undefined && { binDir }),
    ...(confDir !== undefined && { confDir }),
    ...(sriovCni !== undefined && { privileged: isPrivileged(sriovCni) }),
  };
};

const hostPathOf = (daemonSet: LiveObject | undefined, volume: string): string | undefined =>
  textAt(
    listAt(daemonSet, 'spec', 'template', 'spec', 'volumes').find(
      (one) => textAt(one, 'name') === volume,
    ),
    'hostPath',
    'path',
  );

const isPrivileged = (daemonSet: LiveObject): boolean =>
  listAt(daemonSet, 'spec', 'template', 'spec', 'containers').some(
    (container) => at(container, 'securityContext', 'privileged') === true,
  );

const foldersOfDistribution = async (
  cluster: Cluster,
  host: HostView,
): Promise<Partial<CniPaths>> => {
  const ref = { apiVersion: 'v1', kind: 'Node', name: cluster.node };
  const node = await readObject(cluster, host, ref);
  const version = textAt(node, 'status', 'nodeInfo', 'kubeletVersion') ?? '';
  const signs = [version, ...Object.keys(node?.metadata.labels ?? {})].join(' ');
  return distributions.find(({ sign }) => sign.test(signs))?.folders ?? {};
};

/** By kubelet's version or by a label that the distribution gives its nodes. */
const distributions: readonly { readonly sign: RegExp; readonly folders: Partial<CniPaths> }[] = [
  {
    sign: /\+k3s/,
    folders: {
      binDir: '/var/lib/rancher/k3s/data/cni',
      confDir: '/var/lib/rancher/k3s/agent/etc/cni/net.d',
    },
  },
  {
    sign: /microk8s\.io\//,
    folders: {
      binDir: '/var/snap/microk8s/current/opt/cni/bin',
      confDir: '/var/snap/microk8s/current/args/cni-network',
    },
  },
  { sign: /-gke\./, folders: { binDir: '/home/kubernetes/bin' } },
];
