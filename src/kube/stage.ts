import type { Check, CheckResult } from '../check.ts';
import type { HostFs, HostView, KubeObject } from '../host.ts';
import type { KubeSpec, ResolvedSpec } from '../resolved-spec.ts';
import type { Step } from '../step.ts';
import { type PhysicalFunction, readPf } from '../sysfs/pci-device.ts';
import { type Cluster, findCluster, requireCluster } from './cluster.ts';
import type { KubeSettings } from './defaults.ts';
import { explainStderr } from './kubectl.ts';
import { managedBy } from './manifests/daemon-set.ts';
import { nodeSettings } from './node-settings.ts';
import { describeRef, refOf } from './object.ts';
import { kubeError } from './plan-objects.ts';
import { type Pool, poolsOf } from './pools/pool.ts';

/** Why the Kubernetes stages do not apply; `undefined` if they do, or if they must. */
export const skipWithoutCluster = async (
  { kube }: ResolvedSpec,
  host: HostView,
): Promise<string | undefined> => {
  if (kube.mode === 'off') return 'the Kubernetes stages are left out';
  const answer = await findCluster(kube, host);
  if (answer.reachable || kube.mode === 'required') return undefined;
  return `no cluster is reachable: ${answer.because}`;
};

/** With `required` a missing cluster is a failure that is told before anything is written. */
export const clusterReachable: Check = {
  id: 'kube-cluster',
  title: 'a cluster is reachable, and this host is a node of it',
  severity: 'error',
  run: async ({ kube }, host) => {
    const answer = await findCluster(kube, host);
    if (answer.reachable) {
      const { node, version } = answer.cluster;
      return { status: 'pass', detail: `node ${node}, Kubernetes ${version}` };
    }
    return {
      status: 'fail',
      problem: `no cluster is reachable: ${answer.because}`,
      hint: answer.hint,
    };
  },
};

/** What the API server answered to a change, in its own words, and what to do then. */
export const explainKube: NonNullable<Step['explain']> = ({ errno, message }, { action }) => {
  if (action.kind !== 'object' || errno !== 'EXIT') return Promise.resolve(undefined);
  const [, output = ''] = /\(exit code \d+: (.*)\)$/s.exec(message) ?? [];
  const error = kubeError(describeRef(refOf(action.object)), explainStderr(output));
  return Promise.resolve({ code: error.code, problem: error.message, hint: error.hint });
};

/** What a check of a cluster stage works with. */
export interface Site {
  readonly cluster: Cluster;
  readonly settings: KubeSettings;
  readonly host: HostView;
  readonly spec: ResolvedSpec;
}

/** @throws SriovctlError when no cluster is reachable; stages are skipped before they come here. */
export const siteOf = async (spec: ResolvedSpec, host: HostView): Promise<Site> => ({
  cluster: await requireCluster(spec.kube, host),
  settings: await nodeSettings(spec.kube, host),
  host,
  spec,
});

/** A node without VFs needs none of the objects; what is there is for `teardown` to remove. */
export const wantsVfs = ({ pfs }: ResolvedSpec): boolean => pfs.some(({ vfs }) => vfs > 0);

/** A check that needs the cluster; without one `clusterReachable` tells why. */
export const clusterCheck = (
  about: Omit<Check, 'run'>,
  look: (site: Site) => Promise<CheckResult>,
): Check => ({
  ...about,
  run: async (spec, host) => {
    if (!wantsVfs(spec)) return { status: 'pass', detail: 'no VFs are wanted' };
    const answer = await findCluster(spec.kube, host);
    if (!answer.reachable) return { status: 'skip', because: answer.because };
    return look(await siteOf(spec, host));
  },
});

/** The pools that the VFs of the wanted PFs make up. */
export const readPools = async (spec: ResolvedSpec, fs: HostFs): Promise<readonly Pool[]> => {
  const pfs: PhysicalFunction[] = [];
  for (const { address, vfs } of spec.pfs) {
    const pf = vfs === 0 ? undefined : await readPf(fs, address);
    if (pf !== undefined) pfs.push(pf);
  }
  const addressOf = (name: string): string =>
    spec.pfs.find(({ selector }) => selector === name)?.address ??
    pfs.find(({ netdev }) => netdev === name)?.address ??
    name;
  const { pools, ...kube } = spec.kube;
  const resolved = pools?.map((pool) => ({
    ...pool,
    ...(pool.pfs !== undefined && { pfs: pool.pfs.map(addressOf) }),
  }));
  return poolsOf(pfs, { ...kube, ...(resolved !== undefined && { pools: resolved }) });
};

/** kube-system always exists, and is exempt from what a namespace's labels may forbid. */
export const namespaceObject = (namespace: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: {
    name: namespace,
    labels: { ...managedBy, 'pod-security.kubernetes.io/enforce': 'privileged' },
  },
});

export const needsNamespace = ({ namespace }: Pick<KubeSpec, 'namespace'>): boolean =>
  namespace !== 'kube-system' && namespace !== 'default';
