import type { CheckResult } from '../check.ts';
import { SriovctlError } from '../errors.ts';
import type { KubeObject } from '../host.ts';
import type { Component, KubeSettings } from './defaults.ts';
import { canaryPod } from './manifests/canary.ts';
import { devicePluginObjects, nodeConfig } from './manifests/device-plugin.ts';
import { draObjects } from './manifests/dra.ts';
import { multusObjects } from './manifests/multus.ts';
import { nadGroup } from './manifests/multus-crd.ts';
import { networksOf } from './manifests/network.ts';
import { labelledNode } from './manifests/node.ts';
import { sriovCniObjects } from './manifests/sriov-cni.ts';
import { nodeManager, sharedManager, type WantedObject } from './plan-objects.ts';
import type { PluginConfig } from './pools/plugin-config.ts';
import { type Pool, poolConfig } from './pools/pool.ts';
import { namespaceObject, needsNamespace } from './stage.ts';

/** The objects of each stage, in the order they are applied. */

export const wantedMultus = (settings: KubeSettings, node: string): readonly WantedObject[] => [
  ...preparation(settings, node, 'multus'),
  ...multusObjects(settings).map((object) =>
    object.kind === 'CustomResourceDefinition'
      ? { ...shared(object), onlyIfMissing: true, keep: true }
      : shared(object),
  ),
];

export const wantedSriovCni = (settings: KubeSettings, node: string): readonly WantedObject[] => [
  ...preparation(settings, node, 'sriov-cni'),
  ...sriovCniObjects(settings).map(shared),
];

/** The configuration comes first: the plugin reads it once, at its start. */
export const wantedDevicePlugin = (
  settings: KubeSettings,
  node: string,
  config: PluginConfig,
): readonly WantedObject[] => [
  ...preparation(settings, node, 'device-plugin'),
  { object: nodeConfig(settings, node, config), fieldManager: nodeManager(node) },
  ...devicePluginObjects(settings).map(shared),
];

/** What nodes share keeps its shared owner; which VFs it is about, each node says for itself. */
export const wantedDra = (
  settings: KubeSettings,
  node: string,
  pools: readonly Pool[],
): readonly WantedObject[] =>
  pools
    .flatMap((pool) => draObjects(settings, node, pool))
    .map((object) =>
      object.kind === 'SriovResourcePolicy'
        ? { object, fieldManager: nodeManager(node) }
        : shared(object),
    );

/** What hands VFs to pods: one of the two, never both. The plugin's configuration may have more pools. */
export const wantedAllocation = (
  settings: KubeSettings,
  node: string,
  pools: readonly Pool[],
  config?: PluginConfig,
): readonly WantedObject[] =>
  settings.allocation === 'dra'
    ? wantedDra(settings, node, pools)
    : wantedDevicePlugin(settings, node, config ?? pluginConfig(pools));

export const wantedNetworks = (
  settings: KubeSettings,
  pools: readonly Pool[],
): readonly WantedObject[] => networksOf(settings, pools).map(shared);

/** Everything of a node, in the order it is applied. */
export const allWanted = (
  settings: KubeSettings,
  node: string,
  pools: readonly Pool[],
  config?: PluginConfig,
): readonly WantedObject[] => [
  ...wantedMultus(settings, node),
  ...wantedSriovCni(settings, node),
  ...wantedAllocation(settings, node, pools, config),
  ...wantedNetworks(settings, pools),
];

/** An object of each kind that is ever applied for a node, whatever its VFs: what rights are about. */
export const everyKind = (settings: KubeSettings, node: string): readonly KubeObject[] => [
  canaryPod(settings, node, 'before'),
  ...wantedMultus(settings, node).map(({ object }) => object),
  ...wantedSriovCni(settings, node).map(({ object }) => object),
  ...wantedDevicePlugin(settings, node, { resourceList: [] }).map(({ object }) => object),
  { apiVersion: `${nadGroup}/v1`, kind: 'NetworkAttachmentDefinition', metadata: { name: 'any' } },
  ...(settings.allocation === 'dra' ? draObjects(settings, node, anyPool) : []),
];

const anyPool: Pool = { prefix: 'any', name: 'any', kind: 'kernel', members: [], options: {} };

/** As a check says it; where the configuration is what is asked for, `pluginConfig` throws the same. */
export const noVfs = {
  status: 'fail',
  code: 'KUBE_NO_VFS',
  problem: 'there is no VF with a driver to offer to pods',
  hint: 'Run the stages `driver` and `vfs` first.',
} as const satisfies CheckResult;

/** @throws SriovctlError if there is no pool: the plugin ends at once on an empty list. */
export const pluginConfig = (pools: readonly Pool[]): PluginConfig => {
  if (pools.length === 0) {
    throw new SriovctlError(noVfs.code, noVfs.problem, { hint: noVfs.hint, exit: 'refused' });
  }
  return { resourceList: pools.map(poolConfig) };
};

const shared = (object: KubeObject): WantedObject => ({ object, fieldManager: sharedManager });

/** What a DaemonSet needs first: its namespace, and the label that lets it onto the node. */
const preparation = (
  settings: KubeSettings,
  node: string,
  component: Component,
): readonly WantedObject[] => [
  ...(needsNamespace(settings)
    ? [{ ...shared(namespaceObject(settings.namespace)), onlyIfMissing: true, keep: true }]
    : []),
  ...(settings.nodeSelector === undefined ? [labelOf(node, component)] : []),
];

/** A manager for each component, so that each takes back its own label only. */
export const labelOf = (node: string, component: Component): WantedObject => ({
  object: labelledNode(node, component),
  fieldManager: `${sharedManager}-${component}`,
});
