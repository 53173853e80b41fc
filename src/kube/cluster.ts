import { type ExitReason, SriovctlError } from '../errors.ts';
import type { HostPath, HostView } from '../host.ts';
import type { KubeSpec } from '../resolved-spec.ts';
import { orUnknown, readAttribute } from '../sysfs/read.ts';
import { hostnameOf } from './hostname.ts';
import { listAt, parseJson, textAt } from './json.ts';
import {
  type Answer,
  failureOf,
  getCommand,
  type KubeAccess,
  type KubeFailure,
  listCommand,
  parseObjects,
  versionCommand,
} from './kubectl.ts';
import type { LiveObject } from './object.ts';

/** A cluster that answers, and the node that this host is in it. */
export interface Cluster {
  readonly access: KubeAccess;
  readonly node: string;
  /** Whether the node is this host: a workstation has none of its files and VFs. */
  readonly here: boolean;
  /** For example v1.34.2. */
  readonly version: string;
}

export type ClusterAnswer =
  | { readonly reachable: true; readonly cluster: Cluster }
  | { readonly reachable: false; readonly because: string; readonly hint: string };

/** Asked once per view: an API server that does not answer costs its whole timeout each time. */
const asked = new WeakMap<HostView, Map<string, Promise<ClusterAnswer>>>();

export const findCluster = (spec: KubeSpec, host: HostView): Promise<ClusterAnswer> => {
  const answers = asked.get(host) ?? new Map<string, Promise<ClusterAnswer>>();
  asked.set(host, answers);
  const key = JSON.stringify([spec.kubeconfig, spec.context, spec.node]);
  const answer = answers.get(key) ?? lookForCluster(spec, host);
  answers.set(key, answer);
  return answer;
};

/** @throws SriovctlError when no cluster is reachable; stages are skipped before they come here. */
export const requireCluster = async (
  spec: KubeSpec,
  host: HostView,
  exit: ExitReason = 'refused',
): Promise<Cluster> => {
  const answer = await findCluster(spec, host);
  if (answer.reachable) return answer.cluster;
  throw new SriovctlError('KUBE_UNREACHABLE', `No cluster is reachable: ${answer.because}`, {
    hint: answer.hint,
    exit,
  });
};

const lookForCluster = async (spec: KubeSpec, host: HostView): Promise<ClusterAnswer> => {
  const reached = await reach(spec, host);
  if ('failure' in reached) {
    const { failure } = reached;
    return { reachable: false, because: failure.message, hint: hintFor(failure, spec) };
  }
  const { access, version } = reached;
  const name = await nodeName(spec, access, host);
  return name.ok
    ? { reachable: true, cluster: { access, version, ...name.value } }
    : { reachable: false, because: name.failure.message, hint: hintFor(name.failure, spec) };
};

/** Where distributions leave an administrator's kubeconfig that kubectl does not look for itself. */
const knownKubeconfigs: readonly HostPath[] = [
  '/etc/kubernetes/admin.conf',
  '/etc/rancher/k3s/k3s.yaml',
  '/etc/rancher/rke2/rke2.yaml',
  '/var/snap/microk8s/current/credentials/client.config',
  '/var/lib/microshift/resources/kubeadmin/kubeconfig',
  '/var/lib/k0s/pki/admin.conf',
];

type Reached =
  | { readonly access: KubeAccess; readonly version: string }
  | { readonly failure: KubeFailure };

/** Asked anew each time. */
export const reach = async (spec: KubeSpec, host: HostView): Promise<Reached> => {
  const access: KubeAccess = {
    ...(spec.kubeconfig !== undefined && { kubeconfig: spec.kubeconfig }),
    ...(spec.context !== undefined && { context: spec.context }),
  };
  const first = await askVersion(access, host);
  if ('version' in first || access.kubeconfig !== undefined) return first;
  if (!hasNoKubeconfig(first.failure)) return first;
  let found: Reached | undefined;
  for (const kubeconfig of knownKubeconfigs) {
    if ((await orUnknown(host.fs.stat(kubeconfig))) === undefined) continue;
    const next = await askVersion({ ...access, kubeconfig }, host);
    if ('version' in next) return next;
    found ??= next;
  }
  // What a kubeconfig that exists leads to tells more than that kubectl has none.
  return found ?? first;
};

/** kubectl then asks localhost:8080, where no API server has listened for years. */
export const hasNoKubeconfig = ({ message }: KubeFailure): boolean =>
  /localhost:8080|no configuration/.test(message);

const askVersion = async (access: KubeAccess, host: HostView): Promise<Reached> => {
  const result = await queryKube(host, versionCommand(access));
  const failure = failureOf(result);
  if (failure !== undefined) return { failure };
  const stdout = result.ran ? result.stdout : '';
  const version = textAt(parseJson(stdout), 'serverVersion', 'gitVersion');
  return version === undefined
    ? { failure: { kind: 'unreachable', message: 'the API server did not say its version' } }
    : { access, version };
};

/** A command of which the runner's deadline is an answer too. */
export const queryKube: (
  host: HostView,
  command: Parameters<HostView['query']>[0],
) => ReturnType<HostView['query']> = async (host, command) => {
  try {
    return await host.query(command);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ran: true, exitCode: 1, stdout: '', stderr: `Timeout: ${message}` };
  }
};

const machineId: HostPath = '/etc/machine-id';

/** Node names are DNS subdomains; what is given becomes part of an argv and of a selector. */
const validNodeName = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

const nodeName = async (
  spec: KubeSpec,
  access: KubeAccess,
  host: HostView,
): Promise<Answer<Pick<Cluster, 'node' | 'here'>>> => {
  const hostname = await hostnameOf(host.fs);
  const own = spec.node ?? hostname;
  if (own === undefined) return noNode('the host does not say its name');
  if (!validNodeName.test(own)) return noNode(`${JSON.stringify(own)} is no node name`);
  const ref = { apiVersion: 'v1', kind: 'Node', name: own };
  const named = parseObjects(await queryKube(host, getCommand(access, [ref])));
  if (!named.ok) return named;
  const id = await orUnknown(readAttribute(host.fs, machineId));
  const [node] = named.value;
  if (node !== undefined) {
    const here = isCalled(node, hostname);
    if (here || !hasId(node, id)) return { ok: true, value: { node: own, here } };
  } else if (spec.node !== undefined) {
    return noNode(`there is no node ${own} in the cluster`);
  }

  const found = await nodesOfHost(access, host, { hostname, id });
  if (!found.ok) return found;
  const names = found.value.map(({ metadata }) => metadata.name);
  if (node !== undefined) return { ok: true, value: { node: own, here: names.includes(own) } };
  const [only] = names;
  return only !== undefined && names.length === 1
    ? { ok: true, value: { node: only, here: true } }
    : noNode(`this host (${own}) is no node of the cluster`);
};

/** Cloned machines share /etc/machine-id: it counts only where no node carries the hostname. */
const nodesOfHost = async (
  access: KubeAccess,
  host: HostView,
  { hostname, id }: Readonly<Record<'hostname' | 'id', string | undefined>>,
): Promise<Answer<readonly LiveObject[]>> => {
  const all = parseObjects(await queryKube(host, listCommand(access, { resource: 'nodes' })));
  if (!all.ok) return all;
  const called = all.value.filter((node) => isCalled(node, hostname));
  return {
    ok: true,
    value: called.length > 0 ? called : all.value.filter((node) => hasId(node, id)),
  };
};

/** A node that is not named by its hostname still carries it. */
const isCalled = ({ metadata, ...node }: LiveObject, hostname: string | undefined): boolean =>
  hostname !== undefined &&
  (metadata.name === hostname ||
    metadata.labels?.['kubernetes.io/hostname'] === hostname ||
    listAt(node, 'status', 'addresses').some(
      (address) =>
        textAt(address, 'type') === 'Hostname' && textAt(address, 'address') === hostname,
    ));

const hasId = (node: LiveObject, id: string | undefined): boolean =>
  id !== undefined && id !== '' && textAt(node, 'status', 'nodeInfo', 'machineID') === id;

const noNode = (message: string): Answer<never> => ({
  ok: false,
  failure: { kind: 'not-found', message },
});

const hintFor = ({ kind }: KubeFailure, spec: KubeSpec): string => {
  switch (kind) {
    case 'unrecorded':
      return 'Leave the Kubernetes stages out with --no-kube.';
    case 'missing':
      return 'Install kubectl, or leave the Kubernetes stages out with --no-kube.';
    case 'not-found':
      return spec.node === undefined
        ? 'Name the node with --node, or leave the Kubernetes stages out with --no-kube.'
        : 'See `kubectl get nodes` for the names.';
    case 'config':
      return 'Check --kubeconfig and --context with `kubectl config get-contexts`.';
    case 'unauthorized':
    case 'forbidden':
      return 'Use a kubeconfig of an administrator: --kubeconfig FILE.';
    case 'unreachable':
    case 'no-such-kind':
    case 'conflict':
    case 'other':
      return 'Name the cluster with --kubeconfig or --context, or leave the Kubernetes stages out with --no-kube.';
  }
};
