import type { KubeObject } from '../host.ts';
import type { Right } from './kubectl.ts';
import { managedBy } from './manifests/daemon-set.ts';
import { draDriver } from './manifests/dra.ts';
import { rightsFor } from './permissions.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** A role's object, with the rules it grants. */
export type InstallerRole = KubeObject & { readonly rules: readonly Rule[] };

/** What is looked at besides the objects that are applied. */
const looks: readonly Right[] = [
  { verb: 'get', group: '', resource: 'nodes' },
  { verb: 'list', group: '', resource: 'nodes' },
  { verb: 'get', group: '', resource: 'namespaces' },
  { verb: 'list', group: '', resource: 'pods' },
  { verb: 'get', group: '', resource: 'pods/log' },
  { verb: 'list', group: '', resource: 'events' },
  { verb: 'list', group: 'apps', resource: 'daemonsets' },
  { verb: 'list', group: 'k8s.cni.cncf.io', resource: 'network-attachment-definitions' },
  // A teardown asks whether VFs were handed to a DRA driver, whatever its spec says.
  { verb: 'list', group: draDriver, resource: 'sriovresourcepolicies' },
  // The plugin's pod on one node is deleted to restart it.
  { verb: 'delete', group: '', resource: 'pods' },
];

/** What is looked at where a DRA driver hands out the VFs. */
const draLooks: readonly Right[] = [
  { verb: 'list', group: draDriver, resource: 'deviceattributes' },
  { verb: 'list', group: 'resource.k8s.io', resource: 'deviceclasses' },
  { verb: 'list', group: 'resource.k8s.io', resource: 'resourceclaimtemplates' },
  { verb: 'list', group: 'resource.k8s.io', resource: 'resourceslices' },
];

/**
 * The smallest ClusterRole that a setup of these objects, its rollback and its teardown get along
 * with. An account that binds Multus' role has to have that role's own rights too, by RBAC's rule against escalation.
 */
export const installerRole = (objects: readonly KubeObject[]): InstallerRole => {
  const verbs = new Map<string, Set<string>>();
  const rights = rightsFor(objects);
  const removals = rights
    .filter(({ verb }) => verb === 'create')
    .map((right): Right => ({ ...right, verb: 'delete' }));
  const byDra = objects.some(({ kind }) => kind === 'SriovResourcePolicy');
  const looked = byDra ? [...looks, ...draLooks] : looks;
  for (const { verb, group, resource } of [...rights, ...removals, ...looked]) {
    const key = JSON.stringify([group, resource]);
    verbs.set(key, (verbs.get(key) ?? new Set()).add(verb));
  }
  const granted = objects.flatMap((object) =>
    object.kind === 'ClusterRole' ? (object as InstallerRole).rules : [],
  );
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'sriovctl-installer', labels: { ...managedBy } },
    rules: [
      ...[...verbs].map(([key, names]): Rule => {
        const [group, resource] = JSON.parse(key) as [string, string];
        return { apiGroups: [group], resources: [resource], verbs: [...names] };
      }),
      ...granted,
    ],
  };
};
