import { parseJson, textAt } from '../../../src/kube/json.ts';
import { nadCrd } from '../../../src/kube/manifests/multus-crd.ts';
import { type LiveObject, objectsIn } from '../../../src/kube/object.ts';
import type { ControlPlane } from './control-plane.ts';

/** All that a setup leaves in a cluster, with the versions of the objects. */
export const everything = async ({ kubectl }: ControlPlane): Promise<readonly LiveObject[]> => {
  const kinds = 'configmaps,serviceaccounts,daemonsets.apps,pods';
  const found = [
    await kubectl(['get', kinds, '--all-namespaces', '-o', 'json']),
    await kubectl(['get', 'nodes,clusterroles,clusterrolebindings,crds', '-o', 'json']),
    await kubectl(['get', nadCrd.metadata.name, '-A', '-o', 'json']).catch(() => '{}'),
  ];
  return found
    .flatMap((text) => objectsIn(parseJson(text)))
    .filter(
      ({ metadata }) =>
        !/^(system:|kube-root|kube-apiserver|extension-apiserver|cluster-admin|admin$|edit$|view$)/.test(
          metadata.name,
        ),
    );
};

export const versions = (objects: readonly LiveObject[]): Record<string, string> =>
  Object.fromEntries(
    objects.map((one) => [
      `${one.kind} ${one.metadata.name}`,
      textAt(one, 'metadata', 'resourceVersion') ?? '',
    ]),
  );
