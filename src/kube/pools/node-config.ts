import type { Site } from '../stage.ts';
import { pluginConfig } from '../wanted.ts';
import type { PluginConfig, PoolConfig, SelectorConfig } from './plugin-config.ts';
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

/** One resource of several PFs, in the same words as when all of them are set up at once (`poolConfig`). */
const joined = (pool: PoolConfig, other: PoolConfig | undefined): PoolConfig => {
  if (other === undefined) return pool;
  const [first = {}, ...rest] = [...pool.selectors, ...other.selectors];
  return { ...pool, selectors: [rest.reduce(merged, first)] };
};

const lists = ['vendors', 'devices', 'drivers', 'rootDevices'] as const;

/** What one of them leaves open is open for both. */
const merged = (one: SelectorConfig, other: SelectorConfig): SelectorConfig => {
  const joint = lists.flatMap((key) => {
    const [own, more] = [one[key], other[key]];
    return own && more ? [[key, [...new Set([...own, ...more])].sort()] as const] : [];
  });
  const options = Object.entries(one).filter(([key]) => !lists.some((list) => list === key));
  return Object.fromEntries([...joint, ...options]);
};
