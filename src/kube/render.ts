import type { KubeObject } from '../host.ts';
import { type Component, type KubeSettings, nodeLabel } from './defaults.ts';
import type { Pool } from './pools/pool.ts';
import { wantedAllocation, wantedMultus, wantedNetworks, wantedSriovCni } from './wanted.ts';
import { renderYaml, yaml } from './yaml.ts';

/** The objects of a stage, as a file of its own. */
export interface RenderedFile {
  readonly name: string;
  readonly objects: readonly KubeObject[];
}

/** Everything that a setup of a node applies, in that order; no cluster is asked. */
export const renderFiles = (
  settings: KubeSettings,
  node: string,
  pools: readonly Pool[],
): readonly RenderedFile[] => {
  const seen = new Set<string>();
  return [
    { name: 'multus', wanted: wantedMultus(settings, node) },
    { name: 'sriov-cni', wanted: wantedSriovCni(settings, node) },
    { name: settings.allocation, wanted: wantedAllocation(settings, node, pools) },
    { name: 'network', wanted: wantedNetworks(settings, pools) },
  ].map(({ name, wanted }) => ({
    name,
    objects: withoutNodes(wanted.map(({ object }) => object)).filter((object) => {
      // A namespace is needed by each stage, and may be in a folder once.
      if (object.kind !== 'Namespace') return true;
      const fresh = !seen.has(object.metadata.name);
      seen.add(object.metadata.name);
      return fresh;
    }),
  }));
};

/** Nodes belong to kubelet: their labels are rendered apart, for `kubectl label`. */
const withoutNodes = (objects: readonly KubeObject[]): readonly KubeObject[] =>
  objects.filter(({ kind }) => kind !== 'Node');

/** The labels that let the DaemonSets onto a node; what is rendered runs nowhere without them. */
export const nodeLabelCommand = (settings: KubeSettings, node: string): string | undefined =>
  settings.nodeSelector === undefined
    ? `kubectl label node ${node} ${daemons(settings)
        .map((component) => `${nodeLabel(component)}=true`)
        .join(' ')}`
    : undefined;

/** The DRA driver has its own DaemonSet. */
const daemons = ({ allocation }: KubeSettings): readonly Component[] =>
  allocation === 'dra' ? ['multus', 'sriov-cni'] : ['multus', 'sriov-cni', 'device-plugin'];

/** A folder that `kubectl apply --server-side -k` takes, by file name. */
export const renderKustomize = (files: readonly RenderedFile[]): ReadonlyMap<string, string> => {
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: files.map(({ name }) => `${name}.yaml`),
  };
  return new Map([
    ['kustomization.yaml', yaml(kustomization)],
    ...files.map(({ name, objects }) => [`${name}.yaml`, renderYaml(objects)] as const),
  ]);
};
