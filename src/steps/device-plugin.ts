import type { CheckResult } from '../check.ts';
import { checkRights } from '../kube/check-rights.ts';
import { findCluster, requireCluster } from '../kube/cluster.ts';
import { findExisting } from '../kube/existing.ts';
import { findingsResult } from '../kube/lint/finding.ts';
import { lintOverlap } from '../kube/lint/overlap.ts';
import { lintPluginConfig } from '../kube/lint/plugin-config.ts';
import { devicePluginDaemonSet, devicePluginPodLabel } from '../kube/manifests/device-plugin.ts';
import { quotedPolicies } from '../kube/manifests/node-policy.ts';
import { nodeSettings } from '../kube/node-settings.ts';
import { planObjects } from '../kube/plan-objects.ts';
import { planRestart } from '../kube/plugin-restart.ts';
import { allowsPrivilegedPods } from '../kube/pod-security.ts';
import { expectedDevices } from '../kube/pools/expected-devices.ts';
import { registeredResources } from '../kube/registered.ts';
import { rolledOut } from '../kube/rollout.ts';
import {
  clusterCheck,
  clusterReachable,
  explainKube,
  readPools,
  type Site,
  skipWithoutCluster,
  wantsVfs,
} from '../kube/stage.ts';
import { removeDevicePlugin } from '../kube/teardown.ts';
import { pluginConfig, wantedDevicePlugin } from '../kube/wanted.ts';
import type { Step } from '../step.ts';

/** Offers the VFs to pods as a resource that the scheduler counts. */
export const devicePlugin: Step = {
  id: 'device-plugin',
  title: 'SR-IOV device plugin',
  scope: 'cluster',
  skip: async (spec, host) =>
    spec.kube.allocation === 'dra'
      ? 'the VFs are handed out by DRA'
      : skipWithoutCluster(spec, host),
  preflight: [
    clusterReachable,
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
        if (pools.length === 0) return { status: 'skip', because: 'there are no VFs yet' };
        const config = pluginConfig(pools);
        const findings = lintPluginConfig(JSON.stringify(config));
        return findingsResult([...findings, ...(await lintOverlap(host.fs, config))]);
      },
    ),
    clusterCheck(
      { id: 'device-plugin-rights', title: 'the plugin may be installed', severity: 'error' },
      (site) => {
        const wanted = wantedDevicePlugin(site.settings, site.cluster.node, { resourceList: [] });
        return checkRights(
          site,
          wanted.map(({ object }) => object),
        );
      },
    ),
    clusterCheck(
      { id: 'device-plugin-namespace', title: 'its namespace allows its pods', severity: 'error' },
      ({ cluster, host, settings }) => allowsPrivilegedPods(cluster, host, settings.namespace),
    ),
  ],
  plan: async (spec, host) => {
    if (!wantsVfs(spec)) return [];
    const cluster = await requireCluster(spec.kube, host);
    const settings = await nodeSettings(spec.kube, host);
    const config = pluginConfig(await readPools(spec, host.fs));
    const wanted = wantedDevicePlugin(settings, cluster.node, config);
    const objects = await planObjects(cluster, host, wanted);
    // With the configuration still to change, only the next look can tell what the plugin makes of it.
    if (objects.length > 0) return objects;
    return planRestart(cluster, host, settings, await expectedDevices(host.fs, config));
  },
  teardown: async ({ kube }, host) => {
    const answer = await findCluster(kube, host);
    return answer.reachable
      ? removeDevicePlugin(answer.cluster, host, await nodeSettings(kube, host))
      : [];
  },
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
  ],
  explain: explainKube,
  settleMs: () => 240_000,
};

/** Two plugins that offer the same VFs give one VF to two pods. */
const alone = (
  { cluster: { node }, spec }: Site,
  { operator, devicePlugin: other }: Awaited<ReturnType<typeof findExisting>>,
): CheckResult => {
  if (operator !== undefined) {
    const { name, namespace } = operator;
    return {
      status: 'fail',
      problem: `the SR-IOV network operator manages this node (${name})`,
      hint: `Leave these stages out with --no-kube, and let the operator offer the VFs that are made here:\n${quotedPolicies(spec, { node, namespace })}`,
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

/** The exact set where kubelet's record can be read, the number elsewhere. */
const checkAllocatable = async ({ cluster, host, spec }: Site): Promise<CheckResult> => {
  const pools = await readPools(spec, host.fs);
  if (pools.length === 0) {
    const hint = 'Run the stages `driver` and `vfs` first.';
    return { status: 'fail', problem: 'there is no VF with a driver to offer to pods', hint };
  }
  const expected = await expectedDevices(host.fs, pluginConfig(pools));
  const registered = await registeredResources(cluster, host);
  const details: string[] = [];
  for (const [resource, devices] of expected) {
    const { count = 0, devices: actual } = registered.get(resource) ?? {};
    if (count !== devices.length) {
      return {
        status: 'pending',
        awaited: `${resource} on ${cluster.node} to be ${devices.length}, it is ${count}`,
      };
    }
    const missing = devices.filter((device) => actual?.includes(device) === false);
    if (missing.length > 0) {
      return { status: 'pending', awaited: `${resource} to offer ${missing.join(', ')}` };
    }
    details.push(`${resource}: ${count}`);
  }
  return { status: 'pass', detail: `${cluster.node} offers ${details.join(', ')}` };
};
