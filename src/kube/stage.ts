import type { Change } from '../change.ts';
import type { Check, CheckResult } from '../check.ts';
import type { HostView, KubeObject } from '../host.ts';
import type { KubeSpec, ResolvedSpec } from '../resolved-spec.ts';
import type { Step } from '../step.ts';
import { type Cluster, findCluster, requireCluster } from './cluster.ts';
import type { KubeSettings } from './defaults.ts';
import { explainStderr } from './kubectl.ts';
import { managedBy } from './manifests/daemon-set.ts';
import { nodeSettings } from './node-settings.ts';
import { describeRef, refOf } from './object.ts';
import { kubeError } from './read-objects.ts';

/** Why the Kubernetes stages do not apply; `undefined` if they do, or if they must. */
const skipWithoutCluster = async (
  { kube }: ResolvedSpec,
  host: HostView,
): Promise<string | undefined> => {
  if (kube.mode === 'off') return 'the Kubernetes stages are left out';
  const answer = await findCluster(kube, host);
  if (answer.reachable || kube.mode === 'required') return undefined;
  return `no cluster is reachable: ${answer.because}`;
};

/** With `required` a missing cluster is a failure that is told before anything is written. */
const clusterReachable: Check = {
  id: 'kube-cluster',
  title: 'a cluster is reachable, and the node is in it',
  severity: 'error',
  run: async ({ kube, elsewhere }, host) => {
    const answer = await findCluster(kube, host);
    if (!answer.reachable) {
      const problem = `no cluster is reachable: ${answer.because}`;
      return { status: 'fail', problem, hint: answer.hint };
    }
    const { node, version, here } = answer.cluster;
    if (here || elsewhere) {
      return { status: 'pass', detail: `node ${node}, Kubernetes ${version}` };
    }
    return {
      status: 'fail',
      problem: `${node} is another node than this host`,
      hint: `Run it there; from here \`sriovctl kube apply --node ${node}\` and the like do what the cluster alone is needed for.`,
    };
  },
};

/** What the API server answered to a change, in its own words, and what to do then. */
const explainKube: NonNullable<Step['explain']> = ({ errno, message }, { action }) => {
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
export const siteOf = async (spec: ResolvedSpec, host: HostView): Promise<Site> => {
  const cluster = await requireCluster(spec.kube, host);
  return { cluster, settings: await nodeSettings(spec, host, cluster), host, spec };
};

/** What a stage of the cluster has of its own. */
export interface ClusterStage
  extends Pick<Step, 'id' | 'title' | 'preflight' | 'checks' | 'explain'> {
  /** Why this spec wants none of it; a teardown takes out what an earlier spec wanted all the same. */
  readonly unwanted?: (spec: ResolvedSpec) => string | undefined;
  readonly plan: (site: Site) => Promise<readonly Change[]>;
  readonly teardown?: (site: Site) => Promise<readonly Change[]>;
  readonly settleMs: number;
}

/** A stage of the cluster: skipped without one, and with nothing to do for a node without VFs. */
export const clusterStep = ({
  unwanted,
  preflight = [],
  plan,
  teardown,
  explain,
  settleMs,
  ...stage
}: ClusterStage): Step => ({
  ...stage,
  scope: 'cluster',
  skip: async (spec, host, direction = 'setup') =>
    (direction === 'setup' ? unwanted?.(spec) : undefined) ??
    (await skipWithoutCluster(spec, host)),
  preflight: [clusterReachable, ...preflight],
  plan: async (spec, host) => (wantsVfs(spec) ? plan(await siteOf(spec, host)) : []),
  teardown: async (spec, host) =>
    teardown !== undefined && (await findCluster(spec.kube, host)).reachable
      ? teardown(await siteOf(spec, host))
      : [],
  explain: async (...failure) => (await explain?.(...failure)) ?? (await explainKube(...failure)),
  settleMs: () => settleMs,
});

/** A node without VFs needs none of the objects; what is there is for `teardown` to remove. */
const wantsVfs = ({ pfs }: ResolvedSpec): boolean => pfs.some(({ vfs }) => vfs > 0);

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

/** What no API server tells of a node, where that is not this host. */
export const seenThereAlone = ({ node }: Cluster, what: string): CheckResult => ({
  status: 'skip',
  because: `${what} is seen on ${node} alone`,
});

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
