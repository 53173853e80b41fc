import { SriovctlError } from '../errors.ts';
import type { HostView } from '../host.ts';
import { type Cluster, queryKube } from './cluster.ts';
import {
  getCommand,
  type KubeFailure,
  type ListQuery,
  listCommand,
  logsCommand,
  parseObjects,
} from './kubectl.ts';
import { type LiveObject, type ObjectRef, refKey, refOf } from './object.ts';

/** The live objects by `refKey`; those that do not exist are missing. */
export const readObjects = async (
  { access }: Pick<Cluster, 'access'>,
  host: HostView,
  refs: readonly ObjectRef[],
): Promise<ReadonlyMap<string, LiveObject>> => {
  if (refs.length === 0) return new Map();
  const answer = parseObjects(await queryKube(host, getCommand(access, refs)));
  if (!answer.ok) throw kubeError('reading objects', answer.failure);
  return new Map(answer.value.map((object) => [refKey(refOf(object)), object]));
};

export const readObject = async (
  cluster: Pick<Cluster, 'access'>,
  host: HostView,
  ref: ObjectRef,
): Promise<LiveObject | undefined> => (await readObjects(cluster, host, [ref])).get(refKey(ref));

export const listObjects = async (
  { access }: Pick<Cluster, 'access'>,
  host: HostView,
  query: ListQuery,
): Promise<readonly LiveObject[]> => {
  const answer = parseObjects(await queryKube(host, listCommand(access, query)));
  if (!answer.ok) throw kubeError(`listing ${query.resource}`, answer.failure);
  return answer.value;
};

/** A pod's log; empty where there is none to be had, which is no error of the cluster. */
export const readLog = async (
  { access }: Pick<Cluster, 'access'>,
  host: HostView,
  pod: LiveObject,
): Promise<string> => {
  const { name, namespace = 'default' } = pod.metadata;
  const result = await queryKube(host, logsCommand(access, namespace, name));
  return result.ran && result.exitCode === 0 ? result.stdout : '';
};

/** A failed request as an error that says what to do. */
export const kubeError = (what: string, { kind, message }: KubeFailure): SriovctlError => {
  const hint =
    kind === 'forbidden'
      ? 'Use a kubeconfig with more rights: --kubeconfig FILE. `sriovctl kube rbac` prints the role that is needed.'
      : kind === 'unreachable'
        ? 'The API server does not answer (any more); run the command again when it does.'
        : 'The words are the API server’s own.';
  return new SriovctlError(
    `KUBE_${kind.toUpperCase().replaceAll('-', '_')}`,
    `${what}: ${message}`,
    {
      hint,
      exit: 'failed',
    },
  );
};
