import type { Change } from '../change.ts';
import { isOurs } from './manifests/daemon-set.ts';
import { draKinds, policiesOf } from './manifests/dra.ts';
import { type LiveObject, refOf } from './object.ts';
import { listObjects, readObjects } from './read-objects.ts';
import type { Site } from './stage.ts';
import { removal } from './teardown.ts';

/** This node's policies, and what no policy of another node needs any more. */
export const removeDra = async ({ cluster, host }: Site): Promise<readonly Change[]> => {
  const list = async (resource: string): Promise<readonly LiveObject[]> =>
    (await listObjects(cluster, host, { resource })).filter(isOurs);
  const policies = await list(draKinds.policy);
  const { own, pools } = policiesOf(policies, cluster.node);
  const shared = await Promise.all(draKinds.shared.map(list));
  const gone = shared.flat().filter(({ metadata }) => pools.includes(metadata.name));
  const live = await readObjects(cluster, host, [...own, ...gone].map(refOf));
  return [...live.values()].map((object) => removal(cluster, object, 'no node offers its VFs'));
};
