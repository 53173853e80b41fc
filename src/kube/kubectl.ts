import type { Command, CommandResult, KubeObject } from '../host.ts';
import { parseJson } from './json.ts';
import { type LiveObject, minimalObject, type ObjectRef, objectsIn } from './object.ts';

/** How the cluster is reached; what is left out is kubectl's own default. */
export interface KubeAccess {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** How long the API server may take to answer a read, in seconds, and a write. */
const seconds = { read: 10, write: 30 };

/** Reads objects by their names, all in one call; those that do not exist are left out. */
export const getCommand = (access: KubeAccess, refs: readonly ObjectRef[]): Command => ({
  ...kubectl(access, seconds.read, [
    'get',
    '--filename=-',
    '--output=json',
    '--ignore-not-found',
    '--show-managed-fields',
  ]),
  stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: refs.map(minimalObject) }),
});

export interface ListQuery {
  /** As kubectl spells it: `daemonsets.apps`, `pods`. */
  readonly resource: string;
  /** All namespaces if left out. */
  readonly namespace?: string;
  readonly labels?: string;
  readonly fields?: string;
}

export const listCommand = (access: KubeAccess, query: ListQuery): Command =>
  kubectl(access, seconds.read, [
    'get',
    query.resource,
    query.namespace === undefined ? '--all-namespaces' : `--namespace=${query.namespace}`,
    ...(query.labels === undefined ? [] : [`--selector=${query.labels}`]),
    ...(query.fields === undefined ? [] : [`--field-selector=${query.fields}`]),
    '--output=json',
  ]);

export const versionCommand = (access: KubeAccess): Command =>
  kubectl(access, 5, ['version', '--output=json']);

/** One right: `patch daemonsets.apps in kube-system`. */
export interface Right {
  readonly verb: 'get' | 'list' | 'create' | 'patch' | 'delete';
  readonly group: string;
  readonly resource: string;
  readonly namespace?: string;
}

/**
 * Asks what `kubectl auth can-i` asks, for all rights in one call: an access review is answered by
 * its creation, and is kept nowhere. One line a right: `true` or `false`.
 */
export const canICommand = (access: KubeAccess, rights: readonly Right[]): Command => ({
  ...kubectl(access, seconds.read, [
    'create',
    '--filename=-',
    // Validation would fetch the whole schema of the server for a question of one line.
    '--validate=false',
    '--output=jsonpath={.status.allowed}{"\\n"}',
  ]),
  stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: rights.map(accessReview) }),
});

const accessReview = (resourceAttributes: Right): object => ({
  apiVersion: 'authorization.k8s.io/v1',
  kind: 'SelfSubjectAccessReview',
  spec: { resourceAttributes },
});

export const logsCommand = (access: KubeAccess, namespace: string, pod: string): Command =>
  kubectl(access, seconds.read, ['logs', pod, `--namespace=${namespace}`, '--tail=5000']);

/** Runs a program in a pod that only reads; no shell is started there either. */
export const execCommand = (
  access: KubeAccess,
  pod: { readonly namespace: string; readonly name: string },
  argv: readonly string[],
): Command =>
  kubectl(access, seconds.read, ['exec', pod.name, `--namespace=${pod.namespace}`, '--', ...argv]);

export interface ApplyOptions {
  readonly fieldManager: string;
  /** Takes fields over that another manager owns with another value. */
  readonly forceConflicts?: boolean;
}

/** Server-side apply: each field manager owns what it applied, and the server tells conflicts. */
export const applyCommand = (
  access: KubeAccess,
  object: KubeObject,
  { fieldManager, forceConflicts = false }: ApplyOptions,
): Command => ({
  ...kubectl(access, seconds.write, [
    'apply',
    '--server-side',
    `--field-manager=${fieldManager}`,
    ...(forceConflicts ? ['--force-conflicts'] : []),
    '--filename=-',
  ]),
  stdin: JSON.stringify(object),
});

/** What the API server itself would change, as a diff; exit code 1 says that it differs. */
export const diffCommand = (
  access: KubeAccess,
  object: KubeObject,
  { fieldManager, forceConflicts = false }: ApplyOptions,
): Command => ({
  ...kubectl(access, seconds.write, [
    'diff',
    '--server-side',
    `--field-manager=${fieldManager}`,
    ...(forceConflicts ? ['--force-conflicts'] : []),
    '--filename=-',
  ]),
  stdin: JSON.stringify(object),
});

export const deleteCommand = (access: KubeAccess, ref: ObjectRef): Command => ({
  ...kubectl(access, seconds.write, [
    'delete',
    '--ignore-not-found',
    '--wait=false',
    '--filename=-',
  ]),
  stdin: JSON.stringify(minimalObject(ref)),
});

/** Ends when a condition of an object is true, or with an error at the deadline. */
export const waitCommand = (
  access: KubeAccess,
  ref: ObjectRef,
  condition: string,
  deadline: number,
): Command => ({
  // A time limit for requests would end the watch that it is.
  argv: [
    ...kubectlArgv(access),
    'wait',
    `--for=condition=${condition}`,
    `--timeout=${deadline}s`,
    '--filename=-',
  ],
  timeoutMs: (deadline + seconds.write) * 1_000,
  stdin: JSON.stringify(minimalObject(ref)),
});

/** Deletes the pods of a label on one node only, so that other nodes' pods keep running. */
export const deletePodsCommand = (
  access: KubeAccess,
  pods: { readonly namespace: string; readonly labels: string; readonly node: string },
): Command =>
  kubectl(access, seconds.write, [
    'delete',
    'pods',
    `--namespace=${pods.namespace}`,
    `--selector=${pods.labels}`,
    `--field-selector=spec.nodeName=${pods.node}`,
    '--ignore-not-found',
    '--wait=false',
  ]);

const kubectl = (access: KubeAccess, timeout: number, args: readonly string[]): Command => ({
  argv: [...kubectlArgv(access), `--request-timeout=${timeout}s`, ...args],
  // kubectl tries several requests (discovery), each with its own timeout.
  timeoutMs: timeout * 3_000,
});

const kubectlArgv = ({ kubeconfig, context }: KubeAccess): Command['argv'] => [
  'kubectl',
  ...(kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`]),
  ...(context === undefined ? [] : [`--context=${context}`]),
];

/** What a captured tree answers that has no cluster. */
export const noneRecorded = 'no cluster is recorded in the tree';

/** Why the API server, or kubectl before it, gave no answer. */
export type KubeFailureKind =
  | 'missing'
  | 'unrecorded'
  | 'unreachable'
  | 'config'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'no-such-kind'
  | 'conflict'
  | 'other';

export interface KubeFailure {
  readonly kind: KubeFailureKind;
  /** The server's or kubectl's own words on one line, without credentials. */
  readonly message: string;
}

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: KubeFailure };

/** The objects in an answer of `get`; a kind that the server does not know means that there are none. */
export const parseObjects = (result: CommandResult): Answer<readonly LiveObject[]> => {
  const failure = failureOf(result);
  if (failure !== undefined && failure.kind !== 'no-such-kind') return { ok: false, failure };
  const stdout = result.ran ? result.stdout : '';
  return { ok: true, value: stdout.trim() === '' ? [] : objectsIn(parseJson(stdout)) };
};

/** `undefined` for success. */
export const failureOf = (result: CommandResult): KubeFailure | undefined => {
  if (!result.ran) {
    const { because } = result;
    return { kind: because === noneRecorded ? 'unrecorded' : 'missing', message: because };
  }
  return result.exitCode === 0 ? undefined : explainStderr(result.stderr);
};

/** The wordings of kubectl (k8s.io/kubectl/pkg/cmd/util) and of client-go's transport. */
const wordings: readonly (readonly [RegExp, KubeFailureKind])[] = [
  [/\(Forbidden\)|is forbidden:/, 'forbidden'],
  [/\(Unauthorized\)|must be logged in/, 'unauthorized'],
  [/no matches for kind|doesn't have a resource type/, 'no-such-kind'],
  [/\(NotFound\)/, 'not-found'],
  [/\(Conflict\)|failed with \d+ conflict/, 'conflict'],
  [/context "[^"]*" does not exist|^error: (stat|error loading config|no context)/m, 'config'],
  [
    /Unable to connect|was refused|connection refused|i\/o timeout|deadline exceeded|Client\.Timeout|ServiceUnavailable|unexpected EOF|connection reset|no route to host|no such host|TLS handshake timeout|Timeout/,
    'unreachable',
  ],
];

/** What kubectl wrote to stderr, as it is meant. */
export const explainStderr = (stderr: string): KubeFailure => {
  const kind = wordings.find(([pattern]) => pattern.test(stderr))?.[1] ?? 'other';
  const lines = stderr
    .split('\n')
    // client-go's own log lines (E1124 10:30:00.1 …) say the same before kubectl does.
    .filter((line) => line.trim() !== '' && !/^[EWI]\d{4} /.test(line))
    .map((line) => line.trim());
  return { kind, message: withoutCredentials(lines.join(' ')) || 'kubectl said nothing' };
};

/** Tokens and passwords that a credential plugin or a URL may put into an error. */
export const withoutCredentials = (text: string): string =>
  text
    .replace(/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, '<token>')
    .replace(/(bearer\s+)\S+/gi, '$1<token>')
    .replace(/(https?:\/\/)[^/\s@]+@/g, '$1<credentials>@')
    .replace(/((?:password|token|secret|client-key-data)["']?\s*[=:]\s*)\S+/gi, '$1<hidden>');
