import type { HostView } from '../../host.ts';
import type { ResolvedSpec } from '../../resolved-spec.ts';
import { readPf } from '../../sysfs/pci-device.ts';
import { appliedBy } from '../fields.ts';
import { isJsonObject, parseJson, textAt } from '../json.ts';
import { configMapRef } from '../manifests/device-plugin.ts';
import { draKinds, policiesOf, policyAddresses } from '../manifests/dra.ts';
import type { LiveObject } from '../object.ts';
import { nodeManager } from '../plan-objects.ts';
import { listObjects, readObject } from '../read-objects.ts';
import type { Site } from '../stage.ts';
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
  const config = parseJson(textAt(configMap, 'data', cluster.node) ?? '');
  if (configMap === undefined || !isJsonObject(config)) return undefined;
  return {
    config: config as unknown as PluginConfig,
    own: appliedBy(configMap, nodeManager(cluster.node)) !== undefined,
  };
};

/**
 * What a node offers through the device plugin of other PFs than those that a run is about. A run that
 * names no PF is about all.
 */
export const stayingPools = (
  { pfs }: Pick<ResolvedSpec, 'pfs'>,
  published: Published | undefined,
): readonly PoolConfig[] => {
  if (pfs.length === 0 || published?.own !== true) return [];
  const named = new Set(pfs.map(({ address }) => address));
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

/** What of a site tells whose VFs are whose. */
interface Surroundings {
  readonly cluster: Pick<Site['cluster'], 'node'>;
  readonly host: Pick<HostView, 'fs'>;
  readonly spec: Pick<ResolvedSpec, 'pfs' | 'elsewhere'>;
}

/** The policies of this node for the DRA driver: those that go, and those that VFs of other PFs are in. */
export const dividedPolicies = async (
  { cluster: { node }, host, spec }: Surroundings,
  policies: readonly LiveObject[],
): Promise<{ readonly going: readonly LiveObject[]; readonly staying: readonly LiveObject[] }> => {
  const own = policiesOf(policies, node);
  if (spec.pfs.length === 0 || spec.elsewhere) return { going: own, staying: [] };
  const gone = await vfsOf(
    host,
    spec.pfs.map(({ address }) => address),
  );
  const stays = (policy: LiveObject): boolean =>
    policyAddresses(policy).some((address) => !gone.has(address));
  return { going: own.filter((policy) => !stays(policy)), staying: own.filter(stays) };
};

const vfsOf = async (
  { fs }: Pick<HostView, 'fs'>,
  pfs: readonly string[],
): Promise<ReadonlySet<string>> => {
  const found = await Promise.all(pfs.map((address) => readPf(fs, address)));
  return new Set(found.flatMap((pf) => pf?.vfs.map(({ address }) => address) ?? []));
};

/** Whether this node still needs what brings VFs into pods. */
export const isStillUsed = async (site: Site): Promise<boolean> => {
  if (stayingPools(site.spec, await readPublished(site)).length > 0) return true;
  const policies = await listObjects(site.cluster, site.host, { resource: draKinds.policy });
  return (await dividedPolicies(site, policies)).staying.length > 0;
};
