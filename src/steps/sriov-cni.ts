import { checkRights } from '../kube/check-rights.ts';
import { findExisting } from '../kube/existing.ts';
import { sriovCniDaemonSet, sriovCniPodLabel } from '../kube/manifests/sriov-cni.ts';
import { planObjects } from '../kube/plan-objects.ts';
import { rolledOut } from '../kube/rollout.ts';
import { clusterCheck, clusterStep, type Site } from '../kube/stage.ts';
import { removeSriovCni } from '../kube/teardown.ts';
import { wantedSriovCni } from '../kube/wanted.ts';

/** Puts the plugin onto the node that moves a VF into a pod. */
export const sriovCni = clusterStep({
  id: 'sriov-cni',
  title: 'SR-IOV CNI',
  preflight: [
    clusterCheck(
      { id: 'sriov-cni-rights', title: 'the SR-IOV CNI may be installed', severity: 'error' },
      async (site) => {
        if ((await broughtBy(site)) !== undefined) return { status: 'pass' };
        const wanted = wantedSriovCni(site.settings, site.cluster.node);
        return checkRights(site, wanted);
      },
    ),
  ],
  plan: async (site) => {
    if ((await broughtBy(site)) !== undefined) return [];
    const { cluster, host, settings } = site;
    return planObjects(cluster, host, wantedSriovCni(settings, cluster.node));
  },
  teardown: removeSriovCni,
  checks: [
    clusterCheck(
      { id: 'sriov-cni-ready', title: 'the SR-IOV CNI is on this node', severity: 'error' },
      async (site) => {
        const brought = await broughtBy(site);
        if (brought !== undefined) return { status: 'pass', detail: `${brought} is used as it is` };
        const { cluster, host, settings } = site;
        return rolledOut(cluster, host, {
          name: sriovCniDaemonSet,
          namespace: settings.namespace,
          podLabel: sriovCniPodLabel,
        });
      },
    ),
  ],
  settleMs: 180_000,
});

const broughtBy = async ({ cluster, host }: Site): Promise<string | undefined> =>
  (await findExisting(cluster, host)).sriovCni;
