import type { Site } from '../stage.ts';
import type { PoolConfig } from './plugin-config.ts';
import { kindOf, type Pool, resourceOf } from './pool.ts';
import { readPools } from './read-pools.ts';
import { pfOf, readPublished } from './staying.ts';

/** A pool as another node has published it: which PFs it is of is known, its VFs are not. */
export interface PublishedPool extends Pool {
  readonly pfs: readonly string[];
}

/** The pools of a node that is not this host, by its own key of the device plugin's ConfigMap. */
export const publishedPools = async (site: Site): Promise<readonly PublishedPool[]> =>
  ((await readPublished(site))?.config.resourceList ?? []).map(publishedPool);

const publishedPool = ({ resourcePrefix, resourceName, selectors }: PoolConfig): PublishedPool => {
  const values = (key: 'vendors' | 'devices' | 'drivers' | 'rootDevices'): readonly string[] =>
    selectors.flatMap((selector) => selector[key] ?? []);
  const [vendors, devices, drivers] = [values('vendors'), values('devices'), values('drivers')];
  return {
    prefix: resourcePrefix,
    name: resourceName,
    kind: kindOf(drivers[0]),
    members: [],
    options: {},
    known: {
      ...(vendors.length > 0 && { vendors }),
      ...(devices.length > 0 && { devices }),
      ...(drivers.length > 0 && { drivers }),
    },
    pfs: values('rootDevices').map(pfOf),
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
