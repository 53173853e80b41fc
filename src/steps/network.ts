import type { CheckResult } from '../check.ts';
import { findCluster, requireCluster } from '../kube/cluster.ts';
import { kubeSettings } from '../kube/defaults.ts';
import { resourceAnnotation } from '../kube/manifests/network.ts';
import { describeRef, refKey, refOf } from '../kube/object.ts';
import { checkRights } from '../kube/permissions.ts';
import { planObjects, readObjects } from '../kube/plan-objects.ts';
import { resourceOf } from '../kube/pools/pool.ts';
import { registeredResources } from '../kube/registered.ts';
import {
  clusterCheck,
  clusterReachable,
  explainKube,
  readPools,
  type Site,
  skipWithoutCluster,
  wantsVfs,
} from '../kube/stage.ts';
import { removeNetworks } from '../kube/teardown.ts';
import { pluginConfig, wantedNetworks } from '../kube/wanted.ts';
import type { Step } from '../step.ts';

/** The networks that pods name to get a VF. */
export const network: Step = {
  id: 'network',
  title: 'Networks',
  scope: 'cluster',
  skip: skipWithoutCluster,
  preflight: [
    clusterReachable,
    clusterCheck(
      { id: 'network-rights', title: 'networks may be defined', severity: 'error' },
      async ({ cluster, host, settings, spec }) => {
        const wanted = wantedNetworks(settings, await readPools(spec, host.fs));
        return checkRights(
          cluster,
          host,
          wanted.map(({ object }) => object),
        );
      },
    ),
  ],
  plan: async (spec, host) => {
    if (!wantsVfs(spec)) return [];
    const cluster = await requireCluster(spec.kube, host);
    const pools = await readPools(spec, host.fs);
    pluginConfig(pools);
    return planObjects(cluster, host, wantedNetworks(kubeSettings(spec.kube), pools));
  },
  teardown: async ({ kube }, host) => {
    const answer = await findCluster(kube, host);
    return answer.reachable ? removeNetworks(answer.cluster, host, kubeSettings(kube)) : [];
  },
  checks: [
    clusterCheck(
      { id: 'network-resource', title: 'each network has its resource', severity: 'error' },
      (site) => checkResources(site),
    ),
  ],
  explain: explainKube,
  settleMs: () => 30_000,
};

/** Without a resource of exactly its name a network gets no VF, and every pod of it fails. */
const checkResources = async ({ cluster, host, settings, spec }: Site): Promise<CheckResult> => {
  const pools = await readPools(spec, host.fs);
  const refs = wantedNetworks(settings, pools).map(({ object }) => refOf(object));
  const live = await readObjects(cluster, host, refs);
  const offered = await registeredResources(cluster, host);
  const details: string[] = [];
  for (const [index, ref] of refs.entries()) {
    const found = live.get(refKey(ref));
    if (found === undefined) return { status: 'pending', awaited: describeRef(ref) };
    const pool = pools[index];
    const resource = found.metadata.annotations?.[resourceAnnotation];
    if (pool === undefined || resource !== resourceOf(pool)) {
      return {
        status: 'fail',
        problem: `${describeRef(ref)} names the resource ${resource ?? '(none)'}`,
        hint: `Its annotation ${resourceAnnotation} is to be ${pool === undefined ? 'removed' : resourceOf(pool)}.`,
      };
    }
    if ((offered.get(resource)?.count ?? 0) === 0) {
      return { status: 'pending', awaited: `${cluster.node} to offer ${resource}` };
    }
    details.push(`${ref.namespace ?? ''}/${ref.name}`);
  }
  return { status: 'pass', detail: details.join(', ') };
};
