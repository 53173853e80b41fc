import { checkRights } from '../kube/check-rights.ts';
import { findCluster, requireCluster } from '../kube/cluster.ts';
import { findExisting } from '../kube/existing.ts';
import { sriovCniDaemonSet, sriovCniPodLabel } from '../kube/manifests/sriov-cni.ts';
import { nodeSettings } from '../kube/node-settings.ts';
import { planObjects } from '../kube/plan-objects.ts';
import { rolledOut } from '../kube/rollout.ts';
import {
  clusterCheck,
  clusterReachable,
  explainKube,
  skipWithoutCluster,
  wantsVfs,
} from '../kube/stage.ts';
import { removeSriovCni } from '../kube/teardown.ts';
import { wantedSriovCni } from '../kube/wanted.ts';
import type { Step } from '../step.ts';

/** Puts the plugin onto the node that moves a VF into a pod. */
export const sriovCni: Step = {
  id: 'sriov-cni',
  title: 'SR-IOV CNI',
  scope: 'cluster',
  skip: skipWithoutCluster,
  preflight: [
    clusterReachable,
    clusterCheck(
      { id: 'sriov-cni-rights', title: 'the SR-IOV CNI may be installed', severity: 'error' },
      async (site) => {
        const { cluster, host, settings } = site;
        if ((await findExisting(cluster, host)).sriovCni !== undefined) return { status: 'pass' };
        const wanted = wantedSriovCni(settings, cluster.node).map(({ object }) => object);
        return checkRights(site, wanted);
      },
    ),
  ],
  plan: async (spec, host) => {
    if (!wantsVfs(spec)) return [];
    const { kube } = spec;
    const cluster = await requireCluster(kube, host);
    if ((await findExisting(cluster, host)).sriovCni !== undefined) return [];
    return planObjects(cluster, host, wantedSriovCni(await nodeSettings(kube, host), cluster.node));
  },
  teardown: async ({ kube }, host) => {
    const answer = await findCluster(kube, host);
    return answer.reachable
      ? removeSriovCni(answer.cluster, host, await nodeSettings(kube, host))
      : [];
  },
  checks: [
    clusterCheck(
      { id: 'sriov-cni-ready', title: 'the SR-IOV CNI is on this node', severity: 'error' },
      async ({ cluster, host, settings }) => {
        const { sriovCni: brought } = await findExisting(cluster, host);
        if (brought !== undefined) return { status: 'pass', detail: `${brought} is used as it is` };
        return rolledOut(cluster, host, {
          name: sriovCniDaemonSet,
          namespace: settings.namespace,
          podLabel: sriovCniPodLabel,
        });
      },
    ),
  ],
  explain: explainKube,
  settleMs: () => 180_000,
};
