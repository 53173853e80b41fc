import type { IPod } from 'kubernetes-models/v1';
import type { KubeObject } from '../../host.ts';
import type { KubeSettings } from '../defaults.ts';
import { managedBy } from './daemon-set.ts';
import { onNode } from './node.ts';

export type CanaryTime = 'before' | 'after';

/**
 * A pod that asks for nothing but a sandbox with the cluster's own network. It is allowed in every
 * namespace, also where pod security is `restricted`.
 */
export const canaryPod = (
  settings: KubeSettings,
  node: string,
  time: CanaryTime,
): IPod & KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: `sriovctl-canary-${time}-${node}`,
    namespace: settings.networkNamespace,
    labels: { app: 'sriovctl-canary', ...managedBy },
  },
  spec: {
    affinity: onNode(node),
    tolerations: [{ operator: 'Exists' }],
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'main',
        image: settings.images.smoke,
        imagePullPolicy: settings.pullPolicy,
        command: ['sleep', '3600'],
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
          runAsNonRoot: true,
          runAsUser: 65_534,
          seccompProfile: { type: 'RuntimeDefault' },
        },
      },
    ],
  },
});
