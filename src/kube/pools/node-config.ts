import type { Site } from '../stage.ts';
import { pluginConfig } from '../wanted.ts';
import type { PluginConfig, PoolConfig } from './plugin-config.ts';
import { type Pool, resourceOf } from './pool.ts';
import { readPublished, stayingPools } from './staying.ts';

/**
 * A node's whole configuration: the pools of the PFs that a run is about, and what the node offers of
 * other PFs, each where it stood, so that the order of runs makes no difference.
 *
 * @throws SriovctlError KUBE_NO_VFS
 */
export const siteConfig = async (site: Site, pools: readonly Pool[]): Promise<PluginConfig> => {
  const own = pluginConfig(pools).resourceList;
  const published = await readPublished(site);
  const staying = stayingPools(site.spec, published);
  const places = (published?.config.resourceList ?? []).map(resourceOfConfig);
  const place = (pool: PoolConfig): number => {
    const index = places.indexOf(resourceOfConfig(pool));
    return index === -1 ? places.length : index;
  };
  const resourceList = [
    ...own.map((pool) => joined(pool, staying.find(isSameAs(pool)))),
    ...staying.filter((pool) => !own.some(isSameAs(pool))),
  ].toSorted((a, b) => place(a) - place(b));
  return { resourceList };
};

export const resourceOfConfig = ({ resourcePrefix, resourceName }: PoolConfig): string =>
  resourceOf({ prefix: resourcePrefix, name: resourceName });

const isSameAs =
  (pool: PoolConfig) =>
  (other: PoolConfig): boolean =>
    resourceOfConfig(other) === resourceOfConfig(pool);

/** One resource of several PFs. */
const joined = (pool: PoolConfig, other: PoolConfig | undefined): PoolConfig => {
  if (other === undefined) return pool;
  const selectors = [...pool.selectors, ...other.selectors].toSorted((a, b) =>
    String(a.rootDevices).localeCompare(String(b.rootDevices), 'en'),
  );
  return { ...pool, selectors };
};
