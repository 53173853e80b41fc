import { CustomResourceDefinition } from 'kubernetes-models/apiextensions.k8s.io/v1';
import { DaemonSet } from 'kubernetes-models/apps/v1';
import {
  ClusterRole,
  ClusterRoleBinding,
  Role,
  RoleBinding,
} from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import { DeviceClass, ResourceClaimTemplate } from 'kubernetes-models/resource.k8s.io/v1';
import { ConfigMap, Namespace, Node, Pod, ServiceAccount } from 'kubernetes-models/v1';
import type { KubeObject } from '../../src/host.ts';
import { nadGroup } from '../../src/kube/manifests/multus-crd.ts';

/** Kubernetes' own schemas of the kinds that are built in. */
const models = {
  'apps/v1 DaemonSet': DaemonSet,
  'apiextensions.k8s.io/v1 CustomResourceDefinition': CustomResourceDefinition,
  'rbac.authorization.k8s.io/v1 ClusterRole': ClusterRole,
  'rbac.authorization.k8s.io/v1 ClusterRoleBinding': ClusterRoleBinding,
  'rbac.authorization.k8s.io/v1 Role': Role,
  'rbac.authorization.k8s.io/v1 RoleBinding': RoleBinding,
  'resource.k8s.io/v1 DeviceClass': DeviceClass,
  'resource.k8s.io/v1 ResourceClaimTemplate': ResourceClaimTemplate,
  'v1 ConfigMap': ConfigMap,
  'v1 Namespace': Namespace,
  'v1 Node': Node,
  'v1 Pod': Pod,
  'v1 ServiceAccount': ServiceAccount,
} as const;

/** @throws with the schema's words where an object is not what its kind asks for. */
export const validate = (object: KubeObject): void => {
  const kind = `${object.apiVersion} ${object.kind}`;
  if (kind === `${nadGroup}/v1 NetworkAttachmentDefinition`) {
    validateNetwork(object);
    return;
  }
  if (!(kind in models)) throw new Error(`no schema for ${kind}`);
  const model = models[kind as keyof typeof models] as unknown as new (
    data: unknown,
  ) => { validate(): void };
  new model(structuredClone(object)).validate();
};

/** By the schema of the kind's own definition: a spec with one text. */
const validateNetwork = (object: KubeObject): void => {
  const { apiVersion, kind, metadata, spec, ...rest } = object as KubeObject & {
    readonly spec?: { readonly config?: unknown };
  };
  if (Object.keys(rest).length > 0)
    throw new Error(`unknown fields ${Object.keys(rest).join(', ')}`);
  if (typeof spec?.config !== 'string')
    throw new Error(`${apiVersion} ${kind} ${metadata.name}: no spec.config`);
};
