import type { CheckResult } from '../check.ts';
import { findCluster, requireCluster } from '../kube/cluster.ts';
import type { KubeSettings } from '../kube/defaults.ts';
import { textAt } from '../kube/json.ts';
import { networksOf, resourceAnnotation } from '../kube/manifests/network.ts';
import { statusAnnotation, workloadPod } from '../kube/manifests/workload.ts';
import { nodeSettings } from '../kube/node-settings.ts';
import { describeRef, refOf } from '../kube/object.ts';
import { deletion, planObjects, readObject, sharedManager } from '../kube/plan-objects.ts';
import { type Pool, resourceOf } from '../kube/pools/pool.ts';
import { podTrouble } from '../kube/rollout.ts';
import {
  clusterCheck,
  clusterReachable,
  explainKube,
  readPools,
  type Site,
  skipWithoutCluster,
  wantsVfs,
} from '../kube/stage.ts';
import type { Step } from '../step.ts';

const workloadName = 'sriovctl-workload';

/** A sample pod with a VF of the first pool, for those who ask for one. */
export const workload: Step = {
  id: 'workload',
  title: 'Sample workload',
  scope: 'cluster',
  skip: async (spec, host) =>
    spec.kube.workload === true ? skipWithoutCluster(spec, host) : 'no sample workload is wanted',
  preflight: [clusterReachable],
  plan: async (spec, host) => {
    if (!wantsVfs(spec)) return [];
    const cluster = await requireCluster(spec.kube, host);
    const settings = await nodeSettings(spec.kube, host);
    const object = samplePod(settings, cluster.node, await readPools(spec, host.fs));
    if (object === undefined) return [];
    return planObjects(cluster, host, [{ object, fieldManager: sharedManager }]);
  },
  teardown: async ({ kube }, host) => {
    const answer = await findCluster(kube, host);
    if (!answer.reachable) return [];
    const { networkNamespace: namespace } = await nodeSettings(kube, host);
    const ref = { apiVersion: 'v1', kind: 'Pod', name: workloadName, namespace };
    const live = await readObject(answer.cluster, host, ref);
    if (live === undefined) return [];
    const reason = 'the sample workload goes before what it runs on';
    return [{ action: deletion(answer.cluster, ref), reason, undo: 'irreversible' }];
  },
  checks: [
    clusterCheck(
      { id: 'workload-runs', title: 'the sample pod runs with its VF', severity: 'error' },
      (site) => checkWorkload(site),
    ),
  ],
  explain: explainKube,
  settleMs: () => 120_000,
};

const samplePod = (settings: KubeSettings, node: string, pools: readonly Pool[]) => {
  const [pool] = pools;
  const network = networksOf(settings, pools).find(
    ({ metadata }) => pool && metadata.annotations?.[resourceAnnotation] === resourceOf(pool),
  );
  if (pool === undefined || network === undefined) return undefined;
  const { name, namespace } = network.metadata;
  return workloadPod(settings, {
    name: workloadName,
    node,
    pool,
    network: { name, ...(namespace !== undefined && { namespace }) },
  });
};

/** Multus' annotation is the last thing that is written: with it the pod has its network. */
const checkWorkload = async ({ cluster, host, settings, spec }: Site): Promise<CheckResult> => {
  const pod = samplePod(settings, cluster.node, await readPools(spec, host.fs));
  if (pod === undefined) return { status: 'skip', because: 'there is no network for a pod' };
  const name = describeRef(refOf(pod));
  const live = await readObject(cluster, host, refOf(pod));
  if (live === undefined) return { status: 'pending', awaited: name };
  const trouble = podTrouble(live);
  if (trouble !== undefined) return { status: 'pending', awaited: `${name}: ${trouble}` };
  if (textAt(live, 'metadata', 'annotations', statusAnnotation) === undefined) {
    return { status: 'pending', awaited: `Multus to attach a network to ${name}` };
  }
  return { status: 'pass', detail: `${name} runs with a VF` };
};
