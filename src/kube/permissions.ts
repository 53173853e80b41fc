import type { CheckResult } from '../check.ts';
import type { HostView, KubeObject } from '../host.ts';
import { type Cluster, queryKube } from './cluster.ts';
import { canICommand } from './kubectl.ts';

/** One right that a stage needs; server-side apply is a `patch`, and `create` for what is new. */
export interface Right {
  readonly verb: 'get' | 'list' | 'create' | 'patch' | 'delete';
  /** As RBAC and kubectl spell it: `daemonsets.apps`. */
  readonly resource: string;
  readonly namespace?: string;
}

/** The resources of the kinds that are applied here. */
const resources: Readonly<Record<string, string>> = {
  Namespace: 'namespaces',
  Node: 'nodes',
  ServiceAccount: 'serviceaccounts',
  ConfigMap: 'configmaps',
  DaemonSet: 'daemonsets.apps',
  ClusterRole: 'clusterroles.rbac.authorization.k8s.io',
  ClusterRoleBinding: 'clusterrolebindings.rbac.authorization.k8s.io',
  CustomResourceDefinition: 'customresourcedefinitions.apiextensions.k8s.io',
  NetworkAttachmentDefinition: 'network-attachment-definitions.k8s.cni.cncf.io',
  Pod: 'pods',
};

/** The rights to apply a set of objects, each once. Nodes exist already. */
export const rightsFor = (objects: readonly KubeObject[]): readonly Right[] => {
  const rights = new Map<string, Right>();
  for (const { kind, metadata } of objects) {
    const resource = resources[kind];
    if (resource === undefined) continue;
    const verbs = kind === 'Node' ? (['get', 'patch'] as const) : applyVerbs;
    for (const verb of verbs) {
      const { namespace } = metadata;
      const right: Right = { verb, resource, ...(namespace !== undefined && { namespace }) };
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
  const answers = await Promise.all(
    rights.map(async ({ verb, resource, namespace }) => {
      const result = await queryKube(host, canICommand(access, verb, resource, namespace));
      return result.ran && result.stdout.trim().startsWith('yes');
    }),
  );
  return rights.filter((_right, at) => answers[at] === false);
};

export const checkRights = async (
  cluster: Cluster,
  host: HostView,
  objects: readonly KubeObject[],
): Promise<CheckResult> => {
  const missing = await missingRights(cluster, host, rightsFor(objects));
  if (missing.length === 0) return { status: 'pass' };
  return {
    status: 'fail',
    problem: `the user of the kubeconfig may not ${missing.map(describe).join(', ')}`,
    hint: 'Use a kubeconfig with more rights (--kubeconfig FILE); `sriovctl kube rbac` prints the smallest role that is enough.',
  };
};

const describe = ({ verb, resource, namespace }: Right): string =>
  `${verb} ${resource}${namespace === undefined ? '' : ` in ${namespace}`}`;
