import type { IAffinity, INode } from 'kubernetes-models/v1';
import type { KubeObject } from '../../host.ts';
import { type Component, nodeLabel } from '../defaults.ts';

/** The label that lets a component's DaemonSet onto a node; nothing else of the node is touched. */
export const labelledNode = (node: string, component: Component): INode & KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: node, labels: { [nodeLabel(component)]: 'true' } },
});

/** Keeps a pod to one node by its name and through the scheduler, which counts what the pod takes. */
export const onNode = (node: string): IAffinity => ({
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [
        { matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] },
      ],
    },
  },
});
