import type { INode } from 'kubernetes-models/v1';
import type { KubeObject } from '../../host.ts';
import { nodeLabel } from '../defaults.ts';

/** The label that lets the DaemonSets onto a node; nothing else of the node is touched. */
export const labelledNode = (node: string): INode & KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: node, labels: { [nodeLabel]: 'true' } },
});
