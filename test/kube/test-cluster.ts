import { objectVerb, type Permission } from '../../src/change.ts';
import { apply } from '../../src/engine/apply.ts';
import { noJournal } from '../../src/engine/journal.ts';
import type { RunResult } from '../../src/engine/run.ts';
import type { Action, Host, HostView } from '../../src/host.ts';
import {
  type ClusterModelOptions,
  clusterModel,
  type SimulatedCluster,
} from '../../src/kube/model.ts';
import type { LiveObject } from '../../src/kube/object.ts';
import type { KubeSpec, ResolvedSpec } from '../../src/resolved-spec.ts';
import type { Step } from '../../src/step.ts';
import type { HostTree } from './host-tree.ts';

export const testNode = (name: string, more: object = {}): LiveObject =>
  object({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    status: {
      nodeInfo: { kubeletVersion: 'v1.34.2' },
      allocatable: { cpu: '8' },
      capacity: { cpu: '8' },
    },
    ...more,
  });

/** An object of a test as one that a server gave. */
export const object = (value: object): LiveObject => value as LiveObject;

export const kubeSpec: KubeSpec = {
  mode: 'required',
  namespace: 'kube-system',
  resourcePrefix: 'example.com',
};

export const specOf = (kube: Partial<KubeSpec> = {}, vfs = 4): ResolvedSpec => ({
  pfs: [{ address: '0000:01:00.0', selector: 'enp1s0f0', vfs }],
  iommu: 'off',
  kube: { ...kubeSpec, ...kube },
});

/** A host whose kubectl is answered by a cluster model, with a clock that only waiting advances. */
export const testHost = (
  tree: HostTree,
  options: Partial<ClusterModelOptions> = {},
): Host & { readonly cluster: SimulatedCluster } => {
  const cluster = clusterModel({
    fs: tree,
    objects: [testNode('node1')],
    writeFile: (path, content) => {
      tree.files.set(path, content);
      return Promise.resolve();
    },
    ...options,
  });
  let now = 0;
  return {
    cluster,
    simulated: true,
    fs: tree,
    query: (command) => cluster.query(command),
    perform: async (action: Action) => {
      if (action.kind === 'remove') {
        tree.files.delete(action.path);
        return;
      }
      if (action.kind !== 'object') throw new Error(`not a change of a cluster: ${action.kind}`);
      await cluster.apply(action);
    },
    now: () => now,
    wait: (ms) => {
      now += ms;
      return Promise.resolve();
    },
  };
};

/** A host without any cluster. */
export const hostWithout = (tree: HostTree, because: string): HostView => ({
  fs: tree,
  query: () => Promise.resolve({ ran: false, because }),
});

/** Runs stages on a host as a real setup does. */
export const run = (
  steps: readonly Step[],
  spec: ResolvedSpec,
  host: Host,
  permissions: readonly Permission[] = [],
  direction: 'setup' | 'teardown' = 'setup',
): Promise<RunResult> =>
  apply({
    steps,
    spec,
    host,
    direction,
    permissions: new Set(permissions),
    journal: noJournal,
    listener: () => undefined,
  });

/** All problems of a run in one text. */
export const problemsOf = ({ steps }: RunResult): string =>
  steps.flatMap(({ problems }) => problems.map(({ problem }) => problem)).join('\n');

export const changesOf = ({ steps }: RunResult): readonly string[] =>
  steps.flatMap(({ changes }) =>
    changes.map(({ change: { action } }) => {
      if (action.kind !== 'object') return action.kind;
      return `${objectVerb(action)} ${action.object.kind} ${action.object.metadata.name}`;
    }),
  );
