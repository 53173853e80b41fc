import type { CheckResult } from '../check.ts';
import type { HostPath } from '../host.ts';
import { checkRights } from '../kube/check-rights.ts';
import { findingsResult } from '../kube/lint/finding.ts';
import { lintNetworkConfig, pluginsOf } from '../kube/lint/network.ts';
import { networksOf, resourceAnnotation } from '../kube/manifests/network.ts';
import { describeRef, refKey, refOf } from '../kube/object.ts';
import { planObjects } from '../kube/plan-objects.ts';
import { readPools } from '../kube/pools/read-pools.ts';
import { readObjects } from '../kube/read-objects.ts';
import { registeredResources } from '../kube/registered.ts';
import { clusterCheck, clusterStep, type Site, seenThereAlone } from '../kube/stage.ts';
import { removeNetworks } from '../kube/teardown.ts';
import { noVfs, wantedNetworks } from '../kube/wanted.ts';
import { orUnknown } from '../sysfs/read.ts';

/** The networks that pods name to get a VF. */
export const network = clusterStep({
  id: 'network',
  title: 'Networks',
  preflight: [
    clusterCheck(
      { id: 'network-config', title: 'the CNI plugins take each network', severity: 'error' },
      async ({ settings, spec, host }) => {
        const pools = await readPools(spec, host.fs);
        if (pools.length === 0) return noVfs;
        const networks = networksOf(settings, pools);
        return findingsResult(
          networks.flatMap(({ spec: { config } }) => lintNetworkConfig(config)),
        );
      },
    ),
    clusterCheck(
      { id: 'network-plugins', title: 'the node has their CNI plugins', severity: 'error' },
      (site) => checkPlugins(site),
    ),
    clusterCheck(
      { id: 'network-rights', title: 'networks may be defined', severity: 'error' },
      async (site) => {
        const wanted = wantedNetworks(site.settings, await readPools(site.spec, site.host.fs));
        return checkRights(site, wanted);
      },
    ),
  ],
  plan: async ({ cluster, host, settings, spec }) => {
    const pools = await readPools(spec, host.fs);
    return planObjects(cluster, host, wantedNetworks(settings, pools));
  },
  teardown: removeNetworks,
  checks: [
    clusterCheck(
      { id: 'network-resource', title: 'each network has its resource', severity: 'error' },
      (site) => checkResources(site),
    ),
  ],
  settleMs: 30_000,
});

/** host-local, tuning and the like come with the primary CNI or a package, and not from here. */
const checkPlugins = async ({ cluster, settings, spec, host }: Site): Promise<CheckResult> => {
  const networks = networksOf(settings, await readPools(spec, host.fs));
  const needed = new Set(networks.flatMap(({ spec: { config } }) => pluginsOf(config)));
  needed.delete('sriov');
  if (needed.size === 0) return { status: 'pass' };
  if (!cluster.here) return seenThereAlone(cluster, `whether it has ${[...needed].join(', ')}`);
  const { binDir } = settings.cni;
  const present = await orUnknown(host.fs.list(binDir as HostPath));
  if (present === undefined) return { status: 'skip', because: `${binDir} cannot be looked at` };
  const missing = [...needed].filter((plugin) => !present.includes(plugin));
  if (missing.length === 0) return { status: 'pass' };
  return {
    status: 'fail',
    problem: `the CNI plugins ${missing.join(', ')} are not in ${binDir}`,
    hint: 'Install the reference CNI plugins (containernetworking-plugins, kubernetes-cni), or name the right folder.',
  };
};

/** Without a resource of exactly its name a network gets no VF, and every pod of it fails. */
const checkResources = async ({ cluster, host, settings, spec }: Site): Promise<CheckResult> => {
  const wanted = wantedNetworks(settings, await readPools(spec, host.fs));
  const refs = wanted.map(({ object }) => refOf(object));
  const live = await readObjects(cluster, host, refs);
  const offered = await registeredResources(cluster, host);
  for (const { object } of wanted) {
    const ref = refOf(object);
    const found = live.get(refKey(ref));
    if (found === undefined) return { status: 'pending', awaited: describeRef(ref) };
    const resource = object.metadata.annotations?.[resourceAnnotation];
    const named = found.metadata.annotations?.[resourceAnnotation];
    if (resource !== named) {
      return {
        status: 'fail',
        problem: `${describeRef(ref)} names the resource ${named ?? '(none)'}`,
        hint: `Its annotation ${resourceAnnotation} is to be ${resource ?? 'removed'}.`,
      };
    }
    const isCounted = settings.allocation === 'device-plugin';
    if (isCounted && resource !== undefined && (offered.get(resource)?.count ?? 0) === 0) {
      return { status: 'pending', awaited: `${cluster.node} to offer ${resource}` };
    }
  }
  const names = refs.map(({ namespace = '', name }) => `${namespace}/${name}`);
  return { status: 'pass', detail: names.join(', ') };
};
