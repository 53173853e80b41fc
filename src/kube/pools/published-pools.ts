import type { HostView } from '../../host.ts';
import type { Cluster } from '../cluster.ts';
import type { KubeSettings } from '../defaults.ts';
import { type Json, listAt, parseJson, textAt } from '../json.ts';
import { devicePluginConfigMap } from '../manifests/device-plugin.ts';
import { readObject } from '../plan-objects.ts';
import { kindOf, type Pool } from './pool.ts';

/** A pool as another node has published it: which PFs it is of is known, its VFs are not. */
export interface PublishedPool extends Pool {
  readonly pfs: readonly string[];
}

/** The pools of a node that is not this host, by its own key of the device plugin's ConfigMap. */
export const publishedPools = async (
  cluster: Cluster,
  host: HostView,
  { namespace }: KubeSettings,
): Promise<readonly PublishedPool[]> => {
  const configMap = await readObject(cluster, host, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: devicePluginConfigMap,
    namespace,
  });
  const config = parseJson(textAt(configMap, 'data', cluster.node) ?? '');
  return listAt(config, 'resourceList').map(publishedPool);
};

const publishedPool = (pool: Json): PublishedPool => {
  const values = (key: string): readonly string[] =>
    listAt(pool, 'selectors')
      .flatMap((selector) => listAt(selector, key))
      .filter((value) => typeof value === 'string');
  return {
    prefix: textAt(pool, 'resourcePrefix') ?? '',
    name: textAt(pool, 'resourceName') ?? '',
    kind: kindOf(values('drivers')[0] ?? ''),
    members: [],
    options: {},
    pfs: values('rootDevices').map((item) => item.replace(/#.*/, '')),
  };
};
