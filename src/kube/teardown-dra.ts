import type { Change } from '../change.ts';
import { isOurs } from './manifests/daemon-set.ts';
import { draKinds, poolsOfAlone } from './manifests/dra.ts';
import { type LiveObject, refOf } from './object.ts';
import { dividedPolicies } from './pools/staying.ts';
import { listObjects, readObjects } from './read-objects.ts';
import type { Site } from './stage.ts';
import { removal } from './teardown.ts';

/** This node's policies for the PFs that go, and what no other policy needs any more. */
export const removeDra = async (site: Site): Promise<readonly Change[]> => {
  const { cluster, host } = site;
  const list = async (resource: string): Promise<readonly LiveObject[]> =>
    (await listObjects(cluster, host, { resource })).filter(isOurs);
  const policies = await list(draKinds.policy);
  const { going, staying } = dividedPolicies(site.spec, cluster.node, policies);
  const pools = poolsOfAlone(going, policies);
  // An account of a cluster without DRA need not be allowed to look at these kinds.
  const shared = pools.length === 0 ? [] : await Promise.all(draKinds.shared.map(list));
  const gone = shared.flat().filter(({ metadata }) => pools.includes(metadata.name));
  const live = await readObjects(cluster, host, [...going, ...gone].map(refOf));
  const because = staying.length === 0 ? 'no node offers its VFs' : 'nobody offers its VFs';
  return [...live.values()].map((object) => removal(cluster, object, because));
};
