import type { CheckResult } from '../check.ts';
import type { KubeObject } from '../host.ts';
import { checkRights } from '../kube/check-rights.ts';
import { advertisedDevices } from '../kube/dra-devices.ts';
import { objectAt, toJson } from '../kube/json.ts';
import { draPolicyCrd } from '../kube/manifests/dra.ts';
import { planObjects, type WantedObject } from '../kube/plan-objects.ts';
import { addressesOf, resourceOf } from '../kube/pools/pool.ts';
import { readPools } from '../kube/pools/read-pools.ts';
import { readObject } from '../kube/read-objects.ts';
import { registeredResources } from '../kube/registered.ts';
import { clusterCheck, clusterStep, type Site } from '../kube/stage.ts';
import { removeDra } from '../kube/teardown-dra.ts';
import { noVfs, wantedDra } from '../kube/wanted.ts';

/** Hands VFs to pods as devices that they claim, through a DRA driver that is there already. */
export const dra = clusterStep({
  id: 'dra',
  title: 'Dynamic resource allocation',
  unwanted: ({ kube }) =>
    kube.allocation === 'dra' ? undefined : 'the device plugin hands out the VFs',
  preflight: [
    clusterCheck(
      { id: 'dra-server', title: 'the cluster and its driver know DRA', severity: 'error' },
      (site) => checkServer(site),
    ),
    clusterCheck(
      { id: 'dra-alone', title: 'no device plugin offers the same VFs', severity: 'error' },
      (site) => checkAlone(site),
    ),
    clusterCheck(
      { id: 'dra-rights', title: 'devices may be defined', severity: 'error' },
      async (site) => {
        const { cluster, settings, spec, host } = site;
        const pools = await readPools(spec, host.fs);
        if (pools.length === 0) return noVfs;
        const wanted = wantedDra(settings, cluster.node, pools);
        return checkRights(site, wanted);
      },
    ),
  ],
  plan: async ({ cluster, host, settings, spec }) => {
    const pools = await readPools(spec, host.fs);
    const wanted = wantedDra(settings, cluster.node, pools);
    const served = minorOf(cluster) >= 1_036 ? wanted : wanted.map(withoutExtendedResource);
    return planObjects(cluster, host, served);
  },
  teardown: removeDra,
  checks: [
    clusterCheck(
      { id: 'dra-devices', title: 'the driver advertises each VF', severity: 'error' },
      (site) => checkDevices(site),
    ),
  ],
  settleMs: 120_000,
});

/** 1034 for v1.34.2. */
const minorOf = ({ version }: Site['cluster']): number => {
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) * 1_000 + Number(minor);
};

/** Before 1.36 the API server drops the field without a word (DRAExtendedResource is off). */
const withoutExtendedResource = (one: WantedObject): WantedObject => {
  if (one.object.kind !== 'DeviceClass') return one;
  const { selectors = [] } = objectAt(toJson(one.object), 'spec');
  return { ...one, object: { ...one.object, spec: { selectors } } as KubeObject };
};

/** resource.k8s.io/v1 is served since Kubernetes 1.34. */
const checkServer = async ({ cluster, host }: Site): Promise<CheckResult> => {
  if (minorOf(cluster) < 1_034) {
    return {
      status: 'fail',
      problem: `Kubernetes ${cluster.version} does not serve resource.k8s.io/v1`,
      hint: 'It takes 1.34 or newer; the device plugin works with every version (--allocation device-plugin).',
    };
  }
  const crd = await readObject(cluster, host, draPolicyCrd);
  if (crd !== undefined) return { status: 'pass' };
  return {
    status: 'fail',
    problem: `no SR-IOV DRA driver is installed (there is no ${draPolicyCrd.name})`,
    hint: 'Install dra-driver-sriov from its Helm chart, or use --allocation device-plugin.',
  };
};

/** Nothing arbitrates between the two: one VF would go to two pods. */
const checkAlone = async ({ cluster, host, spec }: Site): Promise<CheckResult> => {
  const registered = await registeredResources(cluster, host);
  const both = (await readPools(spec, host.fs))
    .map(resourceOf)
    .filter((resource) => (registered.get(resource)?.count ?? 0) > 0);
  if (both.length === 0) return { status: 'pass' };
  return {
    status: 'fail',
    problem: `a device plugin offers ${both.join(', ')} on ${cluster.node}`,
    hint: 'Drain the node and take it out first: sriovctl kube teardown --only network,device-plugin.',
  };
};

const checkDevices = async ({ cluster, host, spec }: Site): Promise<CheckResult> => {
  const expected = (await readPools(spec, host.fs)).flatMap(addressesOf);
  const advertised = await advertisedDevices(cluster, host);
  const missing = expected.filter((address) => !advertised.includes(address));
  return missing.length === 0
    ? { status: 'pass', detail: `${cluster.node} advertises ${expected.length} devices` }
    : { status: 'pending', awaited: `the DRA driver to advertise ${missing.join(', ')}` };
};
