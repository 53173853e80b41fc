import type { CheckResult } from '../check.ts';
import { findCluster, requireCluster } from '../kube/cluster.ts';
import { findExisting } from '../kube/existing.ts';
import { listAt, textAt } from '../kube/json.ts';
import { multusDaemonSet, multusPodLabel } from '../kube/manifests/multus.ts';
import { nadCrdName } from '../kube/manifests/multus-crd.ts';
import { nodeSettings } from '../kube/node-settings.ts';
import { checkRights } from '../kube/permissions.ts';
import { planObjects, readObject } from '../kube/plan-objects.ts';
import { allowsPrivilegedPods } from '../kube/pod-security.ts';
import { rolledOut } from '../kube/rollout.ts';
import {
  clusterCheck,
  clusterReachable,
  explainKube,
  type Site,
  skipWithoutCluster,
  wantsVfs,
} from '../kube/stage.ts';
import { removeMultus, removeMultusConfig } from '../kube/teardown.ts';
import { wantedMultus } from '../kube/wanted.ts';
import type { Step } from '../step.ts';

/** Lets pods have more than one network interface; what a distribution brought is used as it is. */
export const multus: Step = {
  id: 'multus',
  title: 'Multus',
  scope: 'cluster',
  skip: skipWithoutCluster,
  preflight: [
    clusterReachable,
    clusterCheck(
      { id: 'multus-rights', title: 'Multus may be installed', severity: 'error' },
      async (site) => {
        const { cluster, host, settings } = site;
        const wanted = wantedMultus(settings, cluster.node).map(({ object }) => object);
        return (await isBrought(site)) ? { status: 'pass' } : checkRights(cluster, host, wanted);
      },
    ),
    clusterCheck(
      { id: 'multus-namespace', title: 'its namespace allows its pods', severity: 'error' },
      async (site) =>
        (await isBrought(site))
          ? { status: 'pass' }
          : allowsPrivilegedPods(site.cluster, site.host, site.settings.namespace),
    ),
  ],
  plan: async (spec, host) => {
    if (!wantsVfs(spec)) return [];
    const { kube } = spec;
    const cluster = await requireCluster(kube, host);
    if ((await findExisting(cluster, host)).multus !== undefined) return [];
    return planObjects(cluster, host, wantedMultus(await nodeSettings(kube, host), cluster.node));
  },
  teardown: async ({ kube }, host) => {
    const answer = await findCluster(kube, host);
    if (!answer.reachable) return [];
    const settings = await nodeSettings(kube, host);
    if ((await findExisting(answer.cluster, host)).multus !== undefined) return [];
    return [
      ...(await removeMultus(answer.cluster, host, settings)),
      ...(await removeMultusConfig(host, settings)),
    ];
  },
  checks: [
    clusterCheck(
      { id: 'nad-crd', title: 'networks can be defined', severity: 'error' },
      crdEstablished,
    ),
    clusterCheck(
      { id: 'multus-ready', title: 'Multus runs on this node', severity: 'error' },
      async ({ cluster, host, settings }) => {
        const { multus: brought } = await findExisting(cluster, host);
        if (brought !== undefined) return { status: 'pass', detail: `${brought} is used as it is` };
        const { namespace } = settings;
        return rolledOut(cluster, host, {
          name: multusDaemonSet,
          namespace,
          podLabel: multusPodLabel,
        });
      },
    ),
  ],
  explain: explainKube,
  // An image of 300 MB has to come over a slow line.
  settleMs: () => 300_000,
};

const isBrought = async ({ cluster, host }: Site): Promise<boolean> =>
  (await findExisting(cluster, host)).multus !== undefined;

async function crdEstablished({ cluster, host }: Site): Promise<CheckResult> {
  const crd = await readObject(cluster, host, {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    name: nadCrdName,
  });
  if (crd === undefined) {
    return {
      status: 'fail',
      problem: `the kind NetworkAttachmentDefinition (${nadCrdName}) is not known to the cluster`,
      hint: 'Multus brings it: run `sriovctl setup`, or `sriovctl kube apply`.',
    };
  }
  const established = listAt(crd, 'status', 'conditions').some(
    (condition) =>
      textAt(condition, 'type') === 'Established' && textAt(condition, 'status') === 'True',
  );
  return established
    ? { status: 'pass' }
    : { status: 'pending', awaited: `the API server to take up ${nadCrdName}` };
}
