import type { CheckResult } from '../check.ts';
import { checkRights } from '../kube/check-rights.ts';
import { findExisting } from '../kube/existing.ts';
import { differenceOf, expectedSets } from '../kube/expected-sets.ts';
import { findingsResult } from '../kube/lint/finding.ts';
import { lintOverlap } from '../kube/lint/overlap.ts';
import { lintPluginConfig } from '../kube/lint/plugin-config.ts';
import { devicePluginDaemonSet, devicePluginPodLabel } from '../kube/manifests/device-plugin.ts';
import { quotedPolicies } from '../kube/manifests/node-policy.ts';
import { planObjects } from '../kube/plan-objects.ts';
import { planRestart } from '../kube/plugin-restart.ts';
import { allowsPrivilegedPods } from '../kube/pod-security.ts';
import { siteConfig } from '../kube/pools/node-config.ts';
import { resourceOf } from '../kube/pools/pool.ts';
import { sitePools } from '../kube/pools/published-pools.ts';
import { readPools } from '../kube/pools/read-pools.ts';
import { checkpointPath, readCheckpoint, registeredResources } from '../kube/registered.ts';
import { rolledOut } from '../kube/rollout.ts';
import { clusterCheck, clusterStep, type Site, seenThereAlone } from '../kube/stage.ts';
import { removeDevicePlugin } from '../kube/teardown.ts';
import { noVfs, pluginConfig, wantedDevicePlugin } from '../kube/wanted.ts';

/** Offers the VFs to pods as a resource that the scheduler counts. */
export const devicePlugin = clusterStep({
  id: 'device-plugin',
  title: 'SR-IOV device plugin',
  unwanted: ({ kube }) => (kube.allocation === 'dra' ? 'the VFs are handed out by DRA' : undefined),
  preflight: [
    clusterCheck(
      { id: 'device-plugin-alone', title: 'no other device plugin is here', severity: 'error' },
      async (site) => alone(site, await findExisting(site.cluster, site.host)),
    ),
    clusterCheck(
      {
        id: 'device-plugin-config',
        title: 'the plugin takes its configuration',
        severity: 'error',
      },
      async ({ spec, host }) => {
        const pools = await readPools(spec, host.fs);
        if (pools.length === 0) return noVfs;
        const findings = lintPluginConfig(JSON.stringify(pluginConfig(pools)));
        return findingsResult([...findings, ...lintOverlap(pools)]);
      },
    ),
    clusterCheck(
      { id: 'device-plugin-rights', title: 'the plugin may be installed', severity: 'error' },
      (site) => {
        const wanted = wantedDevicePlugin(site.settings, site.cluster.node, { resourceList: [] });
        return checkRights(site, wanted);
      },
    ),
    clusterCheck(
      { id: 'device-plugin-namespace', title: 'its namespace allows its pods', severity: 'error' },
      ({ cluster, host, settings }) => allowsPrivilegedPods(cluster, host, settings.namespace),
    ),
  ],
  plan: async (site) => {
    const { cluster, host, settings, spec } = site;
    const pools = await sitePools(site);
    if (pools.length === 0) return [];
    const config = await siteConfig(site, pools);
    const wanted = wantedDevicePlugin(settings, cluster.node, config);
    const objects = await planObjects(cluster, host, wanted);
    // With the configuration still to change, only the next look can tell what the plugin makes of it.
    if (objects.length > 0) return objects;
    return planRestart(cluster, host, settings, await expectedSets(spec, host, config));
  },
  teardown: removeDevicePlugin,
  checks: [
    clusterCheck(
      {
        id: 'device-plugin-ready',
        title: 'the device plugin runs on this node',
        severity: 'error',
      },
      ({ cluster, host, settings }) =>
        rolledOut(cluster, host, {
          name: devicePluginDaemonSet,
          namespace: settings.namespace,
          podLabel: devicePluginPodLabel,
        }),
    ),
    clusterCheck(
      { id: 'allocatable', title: 'the node offers each VF to pods', severity: 'error' },
      (site) => checkAllocatable(site),
    ),
    clusterCheck(
      { id: 'registered', title: 'kubelet has exactly these VFs', severity: 'error' },
      (site) => checkRegistered(site),
    ),
  ],
  settleMs: 240_000,
});

/** Two plugins that offer the same VFs give one VF to two pods. */
const alone = async (
  { cluster: { node }, spec, host: { fs } }: Site,
  { operator, devicePlugin: other }: Awaited<ReturnType<typeof findExisting>>,
): Promise<CheckResult> => {
  if (operator !== undefined) {
    const { name, namespace } = operator;
    return {
      status: 'fail',
      problem: `the SR-IOV network operator manages this node (${name})`,
      hint: `Leave these stages out with --no-kube, and let the operator offer the VFs that are made here:\n${await quotedPolicies(spec, { node, namespace, fs })}`,
    };
  }
  if (other !== undefined) {
    return {
      status: 'fail',
      problem: `another SR-IOV device plugin runs on this node (${other})`,
      hint: 'Add the pool to its configuration, or remove it; leave this stage out with --skip device-plugin.',
    };
  }
  return { status: 'pass' };
};

const checkAllocatable = async (site: Site): Promise<CheckResult> => {
  const { cluster, host, spec } = site;
  const pools = await sitePools(site);
  if (pools.length === 0) return noVfs;
  const registered = await registeredResources(cluster, host);
  const details: string[] = [];
  const config = await siteConfig(site, pools);
  const own = new Set(pools.map(resourceOf));
  for (const [resource, { count: expected }] of await expectedSets(spec, host, config)) {
    if (!own.has(resource)) continue;
    const { count = 0 } = registered.get(resource) ?? {};
    if (count !== expected) {
      return {
        status: 'pending',
        awaited: `${resource} on ${cluster.node} to be ${expected}, it is ${count}`,
      };
    }
    details.push(`${resource}: ${count}`);
  }
  return { status: 'pass', detail: `${cluster.node} offers ${details.join(', ')}` };
};

/** By kubelet's own record, which is on the node and for root: the number alone may be of others. */
const checkRegistered = async (site: Site): Promise<CheckResult> => {
  const { cluster, host, spec } = site;
  if (!cluster.here) return seenThereAlone(cluster, 'which VFs kubelet has registered');
  const pools = await readPools(spec, host.fs);
  if (pools.length === 0) return { status: 'skip', because: 'there are no VFs' };
  const registered = await readCheckpoint(host);
  if (registered === undefined) {
    return { status: 'skip', because: `${checkpointPath} cannot be read (it is for root)` };
  }
  const config = await siteConfig(site, pools);
  for (const [resource, { devices: expected = [] }] of await expectedSets(spec, host, config)) {
    const { missing, extra } = differenceOf(registered.get(resource) ?? [], expected);
    if (missing.length > 0) {
      return { status: 'pending', awaited: `${resource} to offer ${missing.join(', ')}` };
    }
    if (extra.length > 0) {
      return { status: 'pending', awaited: `${resource} to offer ${extra.join(', ')} no more` };
    }
  }
  return { status: 'pass' };
};
