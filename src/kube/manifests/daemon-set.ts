import type { IDaemonSet } from 'kubernetes-models/apps/v1';
import type { IPodSpec } from 'kubernetes-models/v1';
import type { KubeObject } from '../../host.ts';
import { type Component, type KubeSettings, nodeSelectorOf } from '../defaults.ts';

/** Tells objects that were made here from those of others, which are never changed. */
export const managedBy = { 'app.kubernetes.io/managed-by': 'sriovctl' } as const;

/** Whether an object was made by this program. */
export const isOurs = ({ metadata }: Pick<KubeObject, 'metadata'>): boolean =>
  metadata.labels?.['app.kubernetes.io/managed-by'] === managedBy['app.kubernetes.io/managed-by'];

/** The controller counts a DaemonSet's templates: on itself, and as a label of each of its pods. */
export const templateGeneration = 'deprecated.daemonset.template.generation';
export const podGeneration = 'pod-template-generation';

interface DaemonSetIdentity {
  readonly component: Component;
  readonly name: string;
  readonly app: string;
  readonly podName: string;
}

/** What the three DaemonSets have in common; names and labels are those of the upstream projects. */
export const daemonSet = (
  settings: KubeSettings,
  identity: DaemonSetIdentity,
  pod: IPodSpec,
): IDaemonSet & KubeObject => {
  const labels = { app: identity.app, name: identity.podName, tier: 'node', ...managedBy };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: identity.name, namespace: settings.namespace, labels },
    spec: {
      selector: { matchLabels: { name: identity.podName } },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '33%' } },
      template: {
        metadata: { labels },
        spec: {
          nodeSelector: {
            'kubernetes.io/os': 'linux',
            ...nodeSelectorOf(settings, identity.component),
          },
          tolerations: settings.tolerations.map((toleration) => ({ ...toleration })),
          priorityClassName: 'system-node-critical',
          ...pod,
        },
      },
    },
  };
};

/** A folder of the node at the same or another place in the container. */
export const hostPath = (name: string, path: string, type?: 'DirectoryOrCreate') => ({
  name,
  hostPath: { path, ...(type !== undefined && { type }) },
});
