import type { Change } from '../change.ts';
import type { HostView, KubeObject } from '../host.ts';
import type { Cluster } from './cluster.ts';
import { type Component, type KubeSettings, nodeLabel, nodeSelectorOf } from './defaults.ts';
import { expectedSets } from './expected-sets.ts';
import { appliedBy } from './fields.ts';
import { at, listAt, objectAt, parseJson, textAt } from './json.ts';
import { removeBinaries } from './leftovers.ts';
import { isOurs } from './manifests/daemon-set.ts';
import { configMapRef, devicePluginObjects, nodeConfig } from './manifests/device-plugin.ts';
import { draKinds, poolsOf } from './manifests/dra.ts';
import { multusObjects } from './manifests/multus.ts';
import { nadCrdName, nadGroup } from './manifests/multus-crd.ts';
import { resourceAnnotation } from './manifests/network.ts';
import { sriovCniObjects } from './manifests/sriov-cni.ts';
import { type LiveObject, refKey, refOf } from './object.ts';
import { deletion, nodeManager, planObjects, restoration } from './plan-objects.ts';
import { planRestart } from './plugin-restart.ts';
import { resourceOfConfig } from './pools/node-config.ts';
import type { PoolConfig } from './pools/plugin-config.ts';
import { resourceOf } from './pools/pool.ts';
import { dividedPolicies, isStillUsed, readPublished, stayingPools } from './pools/staying.ts';
import { listObjects, readObject, readObjects } from './read-objects.ts';
import type { Site } from './stage.ts';
import { labelOf } from './wanted.ts';

/** Networks of this program whose resource nobody offers any more. */
export const removeNetworks = async (site: Site): Promise<readonly Change[]> => {
  const { cluster, host, settings } = site;
  const configs = await nodeConfigs(cluster, host, settings);
  const staying = stayingPools(site.spec, await readPublished(site));
  const offered = new Set([
    ...[...configs].flatMap(([node, resources]) => (node === cluster.node ? [] : resources)),
    ...staying.map(resourceOfConfig),
  ]);
  const policies = await listObjects(cluster, host, { resource: draKinds.policy });
  const { going } = dividedPolicies(site.spec, cluster.node, policies);
  const allocated = new Set(poolsOf(policies.filter((policy) => !going.includes(policy))));
  const unused = (await listNetworks(cluster, host))
    .filter(isOurs)
    .filter(
      ({ metadata: { name, annotations } }) =>
        !offered.has(annotations?.[resourceAnnotation] ?? '') && !allocated.has(name),
    );
  const live = await readObjects(cluster, host, unused.map(refOf));
  return [...live.values()].map((network) =>
    removal(cluster, network, 'nobody offers its resource any more'),
  );
};

/** All of it, or this node's pools of the PFs that go. */
export const removeDevicePlugin = async (site: Site): Promise<readonly Change[]> => {
  const { cluster, host, settings } = site;
  const staying = stayingPools(site.spec, await readPublished(site));
  if (staying.length > 0) return shrinkConfig(site, staying);
  const objects = devicePluginObjects(settings);
  const { changes, last } = await leave(site, 'device-plugin', objects);
  const configMap = await readObject(cluster, host, configMapRef(settings));
  const own = configMap && appliedBy(configMap, nodeManager(cluster.node));
  const others = Object.keys(objectAt(configMap, 'data')).filter((key) => key !== cluster.node);
  if (configMap !== undefined && own !== undefined) {
    changes.push(
      others.length === 0
        ? removal(cluster, configMap, 'no node has a key in it any more')
        : withoutKey(cluster, configMap, settings),
    );
  }
  if (last) changes.push(...(await removeAll(cluster, host, objects)));
  return changes;
};

/** The plugin reads its configuration once, at its start. */
const shrinkConfig = async (
  { cluster, host, settings, spec }: Site,
  staying: readonly PoolConfig[],
): Promise<readonly Change[]> => {
  const config = { resourceList: staying };
  const object = nodeConfig(settings, cluster.node, config);
  const changes = await planObjects(cluster, host, [
    { object, fieldManager: nodeManager(cluster.node) },
  ]);
  return changes.length > 0
    ? changes
    : planRestart(cluster, host, settings, await expectedSets(spec, host, config));
};

export const removeSriovCni = async (site: Site): Promise<readonly Change[]> => {
  const { cluster, host, settings } = site;
  if (await isStillUsed(site)) return [];
  const objects = sriovCniObjects(settings);
  const { changes, last } = await leave(site, 'sriov-cni', objects);
  if (last) changes.push(...(await removeAll(cluster, host, objects)));
  if (changes.length > 0 && cluster.here) {
    changes.push(...(await removeBinaries(host, settings.cni, ['sriov'])));
  }
  return changes;
};

/** The kind of networks goes only with the last network: deleting it deletes them all. */
export const removeMultus = async (site: Place): Promise<readonly Change[]> => {
  const { cluster, host, settings } = site;
  // The objects of both kinds: it may have been installed as the other one.
  const multus = { ...settings.multus, kind: 'thick' } as const;
  const objects = multusObjects({ ...settings, multus });
  const { changes, last } = await leave(site, 'multus', objects);
  if (!last) return changes;
  const networks = await listNetworks(cluster, host);
  const unneeded = objects.filter(
    ({ metadata }) => metadata.name !== nadCrdName || networks.length === 0,
  );
  changes.push(...(await removeAll(cluster, host, unneeded)));
  return changes;
};

type Place = Pick<Site, 'cluster' | 'host' | 'settings'>;

interface Leaving {
  readonly changes: Change[];
  /** No other node has the component. */
  readonly last: boolean;
}

/** Takes the component's label off this node, and with it its pod. */
const leave = async (
  site: Place,
  component: Component,
  objects: readonly KubeObject[],
): Promise<Leaving> => {
  const { cluster, host } = site;
  const labels = (await selectorOf(site, component, objects)).join(',');
  const nodes = await listObjects(cluster, host, { resource: 'nodes', labels });
  const wanted = labelOf(cluster.node, component);
  const own = await readObject(cluster, host, refOf(wanted.object));
  const has = own !== undefined && appliedBy(own, wanted.fieldManager) !== undefined;
  const changes = has ? [leaveNode(cluster, component)] : [];
  return { changes, last: nodes.every(({ metadata }) => metadata.name === cluster.node) };
};

/** The DaemonSet's own word counts first: the spec of a teardown may lack the selector of the setup. */
const selectorOf = async (
  { cluster, host, settings }: Place,
  component: Component,
  objects: readonly KubeObject[],
): Promise<readonly string[]> => {
  const refs = objects.filter(({ kind }) => kind === 'DaemonSet').map(refOf);
  const [live] = (await readObjects(cluster, host, refs)).values();
  const selector =
    live === undefined
      ? nodeSelectorOf(settings, component)
      : objectAt(live, 'spec', 'template', 'spec', 'nodeSelector');
  return Object.entries(selector).flatMap(([name, value]) =>
    name === 'kubernetes.io/os' || typeof value !== 'string' ? [] : `${name}=${value}`,
  );
};

/** Gives up the label, which nobody else has applied. */
export const leaveNode = (cluster: Cluster, component: Component): Change => {
  const wanted = labelOf(cluster.node, component);
  const { apiVersion, kind, metadata } = wanted.object;
  const bare = { ...wanted, object: { apiVersion, kind, metadata: { name: metadata.name } } };
  return {
    action: restoration.apply(cluster, bare),
    reason: `node ${cluster.node} loses the label ${nodeLabel(component)}`,
    undo: [restoration.apply(cluster, wanted)],
  };
};

const removeAll = async (
  cluster: Cluster,
  host: HostView,
  objects: readonly KubeObject[],
): Promise<readonly Change[]> => {
  // What uses an object goes before it.
  const refs = objects.map(refOf).reverse();
  const live = await readObjects(cluster, host, refs);
  return refs.flatMap((ref) => {
    const object = live.get(refKey(ref));
    return object === undefined || !isOurs(object) || isGoing(object)
      ? []
      : [removal(cluster, object, 'no node needs it any more')];
  });
};

const isGoing = (object: LiveObject): boolean =>
  at(object, 'metadata', 'deletionTimestamp') !== undefined;

export const removal = (cluster: Cluster, object: LiveObject, because: string): Change => ({
  action: deletion(cluster, refOf(object)),
  reason: `removed, as ${because}`,
  undo: [restoration.ofRemoved(cluster, object)],
});

const withoutKey = (cluster: Cluster, live: LiveObject, settings: KubeSettings): Change => {
  const { apiVersion, kind, name, namespace } = configMapRef(settings);
  const object = {
    apiVersion,
    kind,
    metadata: { name, ...(namespace !== undefined && { namespace }) },
  };
  const bare = { object, fieldManager: nodeManager(cluster.node) };
  return {
    action: restoration.apply(cluster, bare),
    reason: `the key ${cluster.node} is removed, those of other nodes stay`,
    undo: [restoration.of(cluster, bare, live)],
  };
};

/** The resources of each node's key in the plugin's ConfigMap. */
const nodeConfigs = async (
  cluster: Cluster,
  host: HostView,
  settings: KubeSettings,
): Promise<ReadonlyMap<string, readonly string[]>> => {
  const configMap = await readObject(cluster, host, configMapRef(settings));
  return new Map(
    Object.entries(objectAt(configMap, 'data')).map(([node, text]) => [
      node,
      listAt(parseJson(typeof text === 'string' ? text : ''), 'resourceList').map((pool) =>
        resourceOf({
          prefix: textAt(pool, 'resourcePrefix') ?? '',
          name: textAt(pool, 'resourceName') ?? '',
        }),
      ),
    ]),
  );
};

/** Networks of all namespaces; none where the cluster does not know their kind. */
const listNetworks = (cluster: Cluster, host: HostView): Promise<readonly LiveObject[]> =>
  listObjects(cluster, host, { resource: `network-attachment-definitions.${nadGroup}` });
