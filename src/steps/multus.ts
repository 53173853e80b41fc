import type { CheckResult } from '../check.ts';
import { canaryCheck, explainCanary, multusGone, withCanary } from '../kube/canary.ts';
import { checkRights } from '../kube/check-rights.ts';
import { failureOfId } from '../kube/diagnose/catalogue.ts';
import { ciliumConfig, findExisting } from '../kube/existing.ts';
import { listAt, textAt } from '../kube/json.ts';
import { removeDeadConfig, removeMultusLeftovers } from '../kube/leftovers.ts';
import { canaryPod } from '../kube/manifests/canary.ts';
import { multusDaemonSet, multusPodLabel } from '../kube/manifests/multus.ts';
import { nadCrdName } from '../kube/manifests/multus-crd.ts';
import { planObjects } from '../kube/plan-objects.ts';
import { allowsPrivilegedPods } from '../kube/pod-security.ts';
import { isStillUsed } from '../kube/pools/staying.ts';
import { readObject } from '../kube/read-objects.ts';
import { rolledOut } from '../kube/rollout.ts';
import { clusterCheck, clusterStep, type Site } from '../kube/stage.ts';
import { leaveNode, removeMultus } from '../kube/teardown.ts';
import { wantedMultus } from '../kube/wanted.ts';

/** Lets pods have more than one network interface; what a distribution brought is used as it is. */
export const multus = clusterStep({
  id: 'multus',
  title: 'Multus',
  preflight: [
    clusterCheck(
      { id: 'multus-rights', title: 'Multus may be installed', severity: 'error' },
      async (site) => {
        const wanted = wantedMultus(site.settings, site.cluster.node);
        const pod = { object: canaryPod(site.settings, site.cluster.node, 'before') };
        return (await isBrought(site)) ? { status: 'pass' } : checkRights(site, [...wanted, pod]);
      },
    ),
    clusterCheck(
      { id: 'multus-cilium', title: 'Cilium leaves Multus its place', severity: 'error' },
      async (site) =>
        (await isBrought(site)) ? { status: 'pass' } : ciliumAllowsOthers(site.cluster, site.host),
    ),
    clusterCheck(
      { id: 'multus-namespace', title: 'its namespace allows its pods', severity: 'error' },
      async (site) =>
        (await isBrought(site))
          ? { status: 'pass' }
          : allowsPrivilegedPods(site.cluster, site.host, site.settings.namespace),
    ),
  ],
  plan: async (site) => {
    if (await isBrought(site)) return [];
    const { cluster, host, settings } = site;
    return withCanary(site, {
      changes: await planObjects(cluster, host, wantedMultus(settings, cluster.node)),
      isDone: async () => (await rollout(site)).status === 'pass',
    });
  },
  teardown: async (site) => {
    if ((await isBrought(site)) || (await isStillUsed(site))) return [];
    const { cluster, host, settings } = site;
    const changes = await withCanary(site, {
      changes: await removeMultus(site),
      isDone: () => multusGone(site),
      awaited: [leaveNode(cluster, 'multus')],
      leftovers: () => removeMultusLeftovers(cluster, host, settings),
    });
    if (changes.length > 0) return changes;
    return (await multusGone(site)) ? removeDeadConfig(cluster, host, settings) : [];
  },
  checks: [
    clusterCheck({ id: 'multus-canary', title: 'pods start with it', severity: 'error' }, (site) =>
      Promise.resolve(canaryCheck(site)),
    ),
    clusterCheck(
      { id: 'nad-crd', title: 'networks can be defined', severity: 'error' },
      crdEstablished,
    ),
    clusterCheck(
      { id: 'multus-ready', title: 'Multus runs on this node', severity: 'error' },
      async (site) => {
        const { multus: brought } = await findExisting(site.cluster, site.host);
        if (brought !== undefined) return { status: 'pass', detail: `${brought} is used as it is` };
        return rollout(site);
      },
    ),
  ],
  explain: explainCanary,
  // An image of 300 MB has to come over a slow line.
  settleMs: 300_000,
});

const rollout = ({ cluster, host, settings: { namespace } }: Site): Promise<CheckResult> =>
  rolledOut(cluster, host, { name: multusDaemonSet, namespace, podLabel: multusPodLabel });

/** In its exclusive mode Cilium renames the configuration of every other CNI. */
const ciliumAllowsOthers = async (
  cluster: Site['cluster'],
  host: Site['host'],
): Promise<CheckResult> => {
  const config = await readObject(cluster, host, ciliumConfig);
  if (textAt(config, 'data', 'cni-exclusive') !== 'true') return { status: 'pass' };
  return {
    status: 'fail',
    problem:
      'Cilium takes the configuration of every other CNI away (cni-exclusive is true in kube-system/cilium-config)',
    hint: failureOfId('cilium-exclusive').remedy,
  };
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
