import { type Json, listAt, parseJson, textAt } from '../json.ts';
import { devicePluginConfigMap } from '../manifests/device-plugin.ts';
import { readObject } from '../read-objects.ts';
import type { Site } from '../stage.ts';
import { kindOf, type Pool, resourceOf } from './pool.ts';
import { readPools } from './read-pools.ts';

/** A pool as another node has published it: which PFs it is of is known, its VFs are not. */
export interface PublishedPool extends Pool {
  readonly pfs: readonly string[];
}

/** The pools of a node that is not this host, by its own key of the device plugin's ConfigMap. */
export const publishedPools = async ({
  cluster,
  host,
  settings: { namespace },
}: Site): Promise<readonly PublishedPool[]> => {
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
  const [vendors, devices, drivers] = ['vendors', 'devices', 'drivers'].map(values);
  return {
    prefix: textAt(pool, 'resourcePrefix') ?? '',
    name: textAt(pool, 'resourceName') ?? '',
    kind: kindOf(drivers?.[0]),
    members: [],
    options: {},
    known: {
      ...(vendors?.length && { vendors }),
      ...(devices?.length && { devices }),
      ...(drivers?.length && { drivers }),
    },
    pfs: values('rootDevices').map((item) => item.replace(/#.*/, '')),
  };
};

/**
 * The pools of a node. What a declaration does not say of the VFs, their ids and the driver that the
 * kernel has for them, is kept where the node has published a pool of the same PFs.
 */
export const sitePools = async (site: Site): Promise<readonly Pool[]> => {
  const pools = await readPools(site.spec, site.host.fs);
  if (!site.spec.elsewhere) return pools;
  const published = await publishedPools(site);
  return pools.map((pool) => {
    const same = published.find(
      (other) =>
        resourceOf(other) === resourceOf(pool) &&
        other.kind === pool.kind &&
        pool.members.every(({ pf }) => other.pfs.includes(pf.address)),
    );
    return same?.known === undefined ? pool : { ...pool, known: same.known };
  });
};
