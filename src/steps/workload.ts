import type { CheckResult } from '../check.ts';
import { textAt } from '../kube/json.ts';
import { isOurs } from '../kube/manifests/daemon-set.ts';
import { networksOf, resourceAnnotation } from '../kube/manifests/network.ts';
import { statusAnnotation, workloadPod } from '../kube/manifests/workload.ts';
import { describeRef, refOf } from '../kube/object.ts';
import { deletion, planObjects, sharedManager } from '../kube/plan-objects.ts';
import { resourceOf } from '../kube/pools/pool.ts';
import { readPools } from '../kube/pools/read-pools.ts';
import { readObject } from '../kube/read-objects.ts';
import { podTrouble } from '../kube/rollout.ts';
import { clusterCheck, clusterStep, type Site } from '../kube/stage.ts';

const workloadName = 'sriovctl-workload';

/** A sample pod with a VF of the first pool, for those who ask for one. */
export const workload = clusterStep({
  id: 'workload',
  title: 'Sample workload',
  unwanted: ({ kube }) => (kube.workload === true ? undefined : 'no sample workload is wanted'),
  plan: async (site) => {
    const object = await samplePod(site);
    return object === undefined
      ? []
      : planObjects(site.cluster, site.host, [{ object, fieldManager: sharedManager }]);
  },
  teardown: async ({ cluster, host, settings: { networkNamespace: namespace } }) => {
    const ref = { apiVersion: 'v1', kind: 'Pod', name: workloadName, namespace };
    const pod = await readObject(cluster, host, ref);
    if (pod === undefined || !isOurs(pod)) return [];
    // One that still waits for a node may be meant for this one.
    if ((textAt(pod, 'spec', 'nodeName') ?? cluster.node) !== cluster.node) return [];
    const reason = 'the sample workload goes before what it runs on';
    return [{ action: deletion(cluster, ref), reason, undo: 'irreversible' }];
  },
  checks: [
    clusterCheck(
      { id: 'workload-runs', title: 'the sample pod runs with its VF', severity: 'error' },
      (site) => checkWorkload(site),
    ),
  ],
  settleMs: 120_000,
});

const samplePod = async ({ cluster: { node }, settings, spec, host }: Site) => {
  const pools = await readPools(spec, host.fs);
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
const checkWorkload = async (site: Site): Promise<CheckResult> => {
  const { cluster, host } = site;
  const pod = await samplePod(site);
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
