import { namedPfs, type ResolvedSpec } from '../../resolved-spec.ts';
import { appliedBy } from '../fields.ts';
import { textAt } from '../json.ts';
import { configMapRef } from '../manifests/device-plugin.ts';
import { draKinds, pfsOfPolicy, policiesOf } from '../manifests/dra.ts';
import type { LiveObject } from '../object.ts';
import { nodeManager } from '../plan-objects.ts';
import { listObjects, readObject } from '../read-objects.ts';
import type { Site } from '../stage.ts';
import { parsePluginConfig } from './parse-config.ts';
import type { PluginConfig, PoolConfig } from './plugin-config.ts';

/** A node's key of the device plugin's ConfigMap. */
export interface Published {
  readonly config: PluginConfig;
  /** Applied by this program for this node, and by nobody else. */
  readonly own: boolean;
}

export const readPublished = async ({
  cluster,
  host,
  settings,
}: Site): Promise<Published | undefined> => {
  const configMap = await readObject(cluster, host, configMapRef(settings));
  const config = parsePluginConfig(textAt(configMap, 'data', cluster.node) ?? '');
  return (
    configMap &&
    config && { config, own: appliedBy(configMap, nodeManager(cluster.node)) !== undefined }
  );
};

/**
 * What a node offers through the device plugin of other PFs than those that a run is about. A run that
 * names no PF is about all.
 */
export const stayingPools = (
  spec: Named,
  published: Published | undefined,
): readonly PoolConfig[] => {
  const named = namedPfs(spec);
  if (named.size === 0 || published?.own !== true) return [];
  return published.config.resourceList.flatMap((pool) => {
    const selectors = pool.selectors.flatMap((selector) => {
      const rootDevices = (selector.rootDevices ?? []).filter((item) => !named.has(pfOf(item)));
      return rootDevices.length === 0 ? [] : [{ ...selector, rootDevices }];
    });
    return selectors.length === 0 ? [] : [{ ...pool, selectors }];
  });
};

/** A root device is the address of a PF, with the indexes of its VFs behind a `#`. */
export const pfOf = (rootDevice: string): string => rootDevice.replace(/#.*/, '');

type Named = Pick<ResolvedSpec, 'pfs' | 'gone'>;

/** The policies of this node for the DRA driver: those that go, and those that other PFs are in. */
export const dividedPolicies = (
  spec: Named,
  node: string,
  policies: readonly LiveObject[],
): { readonly going: readonly LiveObject[]; readonly staying: readonly LiveObject[] } => {
  const own = policiesOf(policies, node);
  const named = namedPfs(spec);
  const stays = (policy: LiveObject): boolean =>
    named.size > 0 && pfsOfPolicy(policy).some((address) => !named.has(address));
  return { going: own.filter((policy) => !stays(policy)), staying: own.filter(stays) };
};

/** Whether this node still needs what brings VFs into pods. */
export const isStillUsed = async (site: Site): Promise<boolean> => {
  if (stayingPools(site.spec, await readPublished(site)).length > 0) return true;
  const policies = await listObjects(site.cluster, site.host, { resource: draKinds.policy });
  return dividedPolicies(site.spec, site.cluster.node, policies).staying.length > 0;
};
