import type { IPod } from 'kubernetes-models/v1';
import type { KubeObject } from '../../host.ts';
import type { KubeSettings } from '../defaults.ts';
import { type Pool, resourceOf } from '../pools/pool.ts';
import { managedBy } from './daemon-set.ts';
import { networkName } from './network.ts';
import { onNode } from './node.ts';

/** A pod with one VF. */
export interface Workload {
  readonly name: string;
  readonly node: string;
  readonly pool: Pool;
  /** The network's name and, where it is not the pod's, its namespace. */
  readonly network: { readonly name: string; readonly namespace?: string };
  /** Addresses for a network that takes them from the pod. */
  readonly ips?: readonly string[];
}

export const workloadInterface = 'net1';
export const networksAnnotation = 'k8s.v1.cni.cncf.io/networks';
export const statusAnnotation = 'k8s.v1.cni.cncf.io/network-status';

/**
 * The smallest pod that shows a VF: it goes through the scheduler (a pod put on a node by name is
 * not counted, and is refused instead of waiting), and asks for the resource itself, since the
 * webhook that would add it may not be there.
 */
export const workloadPod = (settings: KubeSettings, workload: Workload): IPod & KubeObject => {
  const { name, node, pool, network, ips } = workload;
  const byClaim = settings.allocation === 'dra';
  const amount = { [resourceOf(pool)]: '1' };
  const claim = { name: 'vf' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: settings.networkNamespace,
      labels: { app: 'sriovctl-workload', ...managedBy },
      annotations: {
        [networksAnnotation]: JSON.stringify([
          {
            name: network.name,
            ...(network.namespace !== undefined && { namespace: network.namespace }),
            interface: workloadInterface,
            ...(ips !== undefined && { ips }),
          },
        ]),
      },
    },
    spec: {
      affinity: onNode(node),
      tolerations: [{ operator: 'Exists' }],
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 1,
      ...(byClaim && {
        resourceClaims: [{ ...claim, resourceClaimTemplateName: networkName(pool) }],
      }),
      containers: [
        {
          name: 'main',
          image: settings.images.smoke,
          imagePullPolicy: settings.pullPolicy,
          command: ['sleep', '3600'],
          resources: byClaim ? { claims: [claim] } : { requests: amount, limits: amount },
          securityContext: {
            allowPrivilegeEscalation: false,
            capabilities: {
              drop: ['ALL'],
              // Memory for DMA is pinned, and a raw socket is what ping needs.
              add: pool.kind === 'vfio' ? ['IPC_LOCK'] : ['NET_RAW'],
            },
          },
        },
      ],
    },
  };
};
