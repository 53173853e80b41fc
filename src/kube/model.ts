import { commandLine, HostError } from '../errors.ts';
import type { Action, Command, CommandResult, HostFs, HostPath } from '../host.ts';
import { differences } from './difference.ts';
import { formatPath } from './fields.ts';
import { parseJson, textAt } from './json.ts';
import { type KubeAccess, noneRecorded } from './kubectl.ts';
import { nadCrdName } from './manifests/multus-crd.ts';
import { clock, latestTime } from './model/clock.ts';
import { type Surroundings, startDaemons } from './model/daemons.ts';
import { finished } from './model/finish.ts';
import { objectStore } from './model/objects.ts';
import { runPod } from './model/pods.ts';
import { type KubectlRequest, parseKubectl } from './model/request.ts';
import { serverSideApply } from './model/server-side-apply.ts';
import { isLiveObject, type LiveObject, objectsIn, refOf } from './object.ts';

/** A cluster as a simulated host sees it: it takes objects, and answers kubectl's reads. */
export interface SimulatedCluster {
  /** @throws HostError EXIT with kubectl's words where the API server would refuse. */
  apply(action: Extract<Action, { kind: 'object' }>): Promise<void>;
  query(command: Command): Promise<CommandResult>;
  /** All objects as a v1 List, for `cluster/objects.json` of a tree; `undefined` without a cluster. */
  record(): Promise<string | undefined>;
}

export interface ClusterModelOptions {
  /** Of the simulated host, which is one of the nodes. */
  readonly fs: HostFs;
  readonly objects?: readonly LiveObject[];
  /** A real cluster below: it is asked for what was not written here, and never written to. */
  readonly live?: (command: Command) => Promise<CommandResult>;
  /** Where kubelet's record of registered devices goes in the simulated host. */
  readonly writeFile?: (path: HostPath, content: string) => Promise<void>;
}

/** Where a captured tree keeps what was recorded of its cluster. */
export const recordedObjects: HostPath = '/cluster/objects.json';

/** The cluster recorded in a tree, if there is one. */
export const recordedCluster = (options: Omit<ClusterModelOptions, 'objects' | 'live'>) => {
  const load = async (): Promise<SimulatedCluster | undefined> => {
    const text = await options.fs.readText(recordedObjects);
    if (text === undefined) return undefined;
    return clusterModel({ ...options, objects: objectsIn(parseJson(text)) });
  };
  let loaded: Promise<SimulatedCluster | undefined> | undefined;
  const cluster = (): Promise<SimulatedCluster | undefined> => (loaded ??= load());
  return {
    apply: async (action) => {
      const known = await cluster();
      if (known === undefined)
        throw new HostError('ENOENT', commandLine(action.command), noneRecorded);
      await known.apply(action);
      // So that an exported tree has the cluster as it is then.
      await options.writeFile?.(recordedObjects, (await known.record()) ?? '');
    },
    query: async (command) =>
      (await cluster())?.query(command) ?? { ran: false, because: noneRecorded },
    record: async () => (await cluster())?.record(),
  } satisfies SimulatedCluster;
};

/** An API server, its controllers and a kubelet, as far as the stages ask them. */
export const clusterModel = (options: ClusterModelOptions): SimulatedCluster => {
  const { fs, objects = [], live, writeFile } = options;
  const store = objectStore(objects, live);
  const around: Surroundings = {
    store,
    fs,
    writeFile,
    tick: clock(live === undefined ? latestTime(objects) : Date.now()),
  };

  const answers: Readonly<Record<string, (request: KubectlRequest) => Promise<CommandResult>>> = {
    get: async ({ words: [, resource], flags, access, input }) => {
      if (resource !== undefined) {
        const found = await store.list(access, {
          resource,
          namespace: flags.get('namespace'),
          labels: flags.get('selector'),
          fields: flags.get('field-selector'),
        });
        return said(listOf(found));
      }
      const found = await Promise.all(input.map((object) => store.get(access, refOf(object))));
      const items = found.filter((object) => object !== undefined);
      return said(items.length === 0 ? '' : listOf(items));
    },
    version: async ({ access }) => {
      const [node] = await nodes(access);
      const gitVersion = textAt(node, 'status', 'nodeInfo', 'kubeletVersion') ?? 'v1.34.0';
      return said(JSON.stringify({ serverVersion: { gitVersion } }));
    },
    // Only access reviews are created in a query, and in a simulation one may do everything.
    create: ({ items }) => Promise.resolve(said(items.map(() => 'true\n').join(''))),
    logs: () => Promise.resolve(said('')),
    diff: async ({ access, input }) => {
      const changed = await Promise.all(
        input.map(async (object) => differences(object, await store.get(access, refOf(object)))),
      );
      const text = changed.flat().map(({ path }) => formatPath(path));
      return { ...said(text.join('\n')), exitCode: text.length === 0 ? 0 : 1 };
    },
  };

  const nodes = (access: KubeAccess) =>
    store.list(access, {
      resource: 'nodes',
      namespace: undefined,
      labels: undefined,
      fields: undefined,
    });

  /** What the model does not know better than a real cluster. */
  const isPassedOn = (verb: string): boolean => live !== undefined && passedOn.has(verb);

  const applyObject = async (request: KubectlRequest, object: LiveObject): Promise<string> => {
    const ref = refOf(object);
    const before = await store.get(request.access, ref);
    const outcome = serverSideApply(before, {
      object,
      manager: request.flags.get('field-manager') ?? 'kubectl',
      force: request.flags.has('force-conflicts'),
      time: around.tick(),
    });
    if ('conflict' in outcome && !isLiveObject(outcome)) return `error: ${outcome.conflict}`;
    if (object.kind === 'NetworkAttachmentDefinition' && !(await hasCrd(request.access))) {
      return 'error: unable to recognize no matches for kind "NetworkAttachmentDefinition"';
    }
    const made = finished(before, outcome, around.tick);
    store.put(await runPod(fs, await nodes(request.access), made));
    return '';
  };

  const hasCrd = async (access: KubeAccess): Promise<boolean> =>
    (await store.get(access, {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      name: nadCrdName,
    })) !== undefined;

  const remove = async ({ words, flags, access, input }: KubectlRequest): Promise<void> => {
    const [, resource] = words;
    const targets =
      resource === undefined
        ? input
        : await store.list(access, {
            resource,
            namespace: flags.get('namespace'),
            labels: flags.get('selector'),
            fields: flags.get('field-selector'),
          });
    for (const object of targets) {
      store.remove(refOf(object));
      for (const owned of await dependents(access, object)) store.remove(refOf(owned));
    }
  };

  const dependents = async (access: KubeAccess, owner: LiveObject) => {
    if (owner.kind !== 'DaemonSet') return [];
    const { name, namespace } = owner.metadata;
    const pods = await store.list(access, {
      resource: 'pods',
      namespace,
      labels: undefined,
      fields: undefined,
    });
    return pods.filter((pod) => pod.metadata.name.startsWith(`${name}-`));
  };

  return {
    apply: async ({ command }) => {
      const request = parseKubectl(command);
      let failure = '';
      // What it waits for is so at once.
      if (request.words[0] === 'wait') return;
      if (request.words[0] === 'delete') await remove(request);
      else for (const object of request.input) failure ||= await applyObject(request, object);
      if (failure !== '') {
        throw new HostError('EXIT', commandLine(command), `exit code 1: ${failure}`);
      }
      await startDaemons(around, request.access);
    },
    query: async (command) => {
      const request = parseKubectl(command);
      const [verb = ''] = request.words;
      if (live !== undefined && isPassedOn(verb)) return live(command);
      const answer = answers[verb];
      if (answer === undefined) {
        return { ran: false, because: `kubectl ${verb} is not modelled in a simulation` };
      }
      return answer(request);
    },
    record: () => Promise.resolve(`${listOf(store.all(), 2)}\n`),
  };
};

const passedOn = new Set(['version', 'create', 'logs']);

const said = (stdout: string) => ({ ran: true, exitCode: 0, stdout, stderr: '' }) as const;

const listOf = (items: readonly LiveObject[], indent?: number): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, undefined, indent);
