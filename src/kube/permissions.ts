import type { HostView, KubeObject } from '../host.ts';
import { type Cluster, queryKube } from './cluster.ts';
import { canICommand, failureOf, type Right } from './kubectl.ts';
import { kubeError } from './read-objects.ts';

/** The resources of the kinds that are applied here. */
const resources: Readonly<Record<string, string>> = {
  Namespace: 'namespaces',
  Node: 'nodes',
  ServiceAccount: 'serviceaccounts',
  ConfigMap: 'configmaps',
  DaemonSet: 'daemonsets',
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
  CustomResourceDefinition: 'customresourcedefinitions',
  NetworkAttachmentDefinition: 'network-attachment-definitions',
  Pod: 'pods',
  DeviceClass: 'deviceclasses',
  ResourceClaimTemplate: 'resourceclaimtemplates',
  SriovResourcePolicy: 'sriovresourcepolicies',
  DeviceAttributes: 'deviceattributes',
};

/** The rights to apply objects: server-side apply is a `patch`, and `create` for what is new. */
export const rightsFor = (objects: readonly KubeObject[]): readonly Right[] => {
  const rights = new Map<string, Right>();
  for (const { apiVersion, kind, metadata } of objects) {
    const resource = resources[kind];
    if (resource === undefined) continue;
    const group = apiVersion.includes('/') ? apiVersion.replace(/\/.*/, '') : '';
    const { namespace } = metadata;
    // Nodes exist already.
    for (const verb of kind === 'Node' ? (['get', 'patch'] as const) : applyVerbs) {
      const right: Right = { verb, group, resource, ...(namespace !== undefined && { namespace }) };
      rights.set(JSON.stringify(right), right);
    }
  }
  return [...rights.values()];
};

const applyVerbs = ['get', 'create', 'patch'] as const;

/** Which of the rights the user of the kubeconfig lacks, by the API server's own word. */
export const missingRights = async (
  { access }: Cluster,
  host: HostView,
  rights: readonly Right[],
): Promise<readonly Right[]> => {
  if (rights.length === 0) return [];
  const result = await queryKube(host, canICommand(access, rights));
  const failure = failureOf(result);
  if (failure !== undefined) throw kubeError('asking for rights', failure);
  const lines = result.ran ? result.stdout.split('\n') : [];
  return rights.filter((_right, index) => lines[index]?.trim() !== 'true');
};
