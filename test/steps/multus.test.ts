import { describe, expect, it } from 'vitest';
import type { Host } from '../../src/host.ts';
import { nadCrd } from '../../src/kube/manifests/multus-crd.ts';
import { multus } from '../../src/steps/multus.ts';
import { i350 } from '../kube/host-tree.ts';
import {
  changesOf,
  hostWithout,
  object,
  problemsOf,
  run,
  specOf,
  testHost,
  testNode,
} from '../kube/test-cluster.ts';

/** What a distribution brings: a DaemonSet of another name, and an image with a digest only. */
const foreignMultus = [
  object({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'multus', namespace: 'openshift-multus' },
    spec: { template: { spec: { containers: [{ name: 'kube-multus', image: 'x@sha256:0' }] } } },
  }),
  object({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'multus-abc',
      namespace: 'openshift-multus',
      ownerReferences: [{ kind: 'DaemonSet', name: 'multus' }],
    },
    spec: { nodeName: 'node1' },
  }),
];

const establishedCrd = object({
  ...nadCrd,
  metadata: { name: nadCrd.metadata.name },
  status: { conditions: [{ type: 'Established', status: 'True' }] },
});

describe('the multus stage', () => {
  it('is skipped with the reason where no cluster is reachable', async () => {
    const host = hostWithout(i350(), 'kubectl is not installed');
    expect(await multus.skip?.(specOf({ mode: 'auto' }), host)).toBe(
      'no cluster is reachable: kubectl is not installed',
    );
    expect(await multus.skip?.(specOf({ mode: 'off' }), host)).toMatch('left out');
    expect(await multus.skip?.(specOf({ mode: 'required' }), host)).toBeUndefined();
  });

  it('refuses where a cluster is required and there is none', async () => {
    const bare = hostWithout(i350(), 'kubectl is not installed');
    const host: Host = { ...testHost(i350()), query: (command) => bare.query(command) };
    const result = await run([multus], specOf(), host);
    expect(result.outcome).toBe('refused');
    expect(problemsOf(result)).toBe('no cluster is reachable: kubectl is not installed');
  });

  it('is skipped on a host that is no node, and finds a node by its host name label', async () => {
    const stranger = testHost(i350('elsewhere'));
    expect(await multus.skip?.(specOf({ mode: 'auto' }), stranger)).toMatch(
      'this host (elsewhere) is no node of the cluster',
    );
    const renamed = testNode('ip-10-0-0-1');
    const labels = { 'kubernetes.io/hostname': 'node1' };
    const node = object({ ...renamed, metadata: { name: 'ip-10-0-0-1', labels } });
    const host = testHost(i350(), { objects: [node] });
    expect(problemsOf(await run([multus], specOf(), host))).toBe('');
  });

  it('uses what a distribution brought, and changes nothing', async () => {
    const objects = [testNode('node1'), ...foreignMultus, establishedCrd];
    const result = await run([multus], specOf(), testHost(i350(), { objects }));
    expect(problemsOf(result)).toBe('');
    expect(changesOf(result)).toEqual([]);
    expect(result.steps[0]?.checks.map(({ result: one }) => one)).toContainEqual({
      status: 'pass',
      detail: 'DaemonSet openshift-multus/multus is used as it is',
    });
  });

  it('does not take over a Multus of others that only runs elsewhere under its own name', async () => {
    const [daemonSet] = foreignMultus;
    const elsewhere = object({
      ...daemonSet,
      metadata: { name: 'kube-multus-ds', namespace: 'kube-system' },
    });
    const host = testHost(i350(), { objects: [testNode('node1'), elsewhere] });
    const result = await run([multus], specOf(), host);
    expect(result.outcome).toBe('refused');
    expect(problemsOf(result)).toMatch(/DaemonSet kube-system\/kube-multus-ds was made by others/);
  });

  it('leaves a kind of networks that others defined as it is', async () => {
    const host = testHost(i350(), { objects: [testNode('node1'), establishedCrd] });
    const result = await run([multus], specOf(), host);
    expect(problemsOf(result)).toBe('');
    expect(changesOf(result).filter((change) => change.includes('CustomResource'))).toEqual([]);
  });

  it('refuses a namespace that enforces a stricter pod security', async () => {
    const labels = { 'pod-security.kubernetes.io/enforce': 'baseline' };
    const namespace = object({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'net', labels },
    });
    const host = testHost(i350(), { objects: [testNode('node1'), namespace] });
    const result = await run([multus], specOf({ namespace: 'net' }), host);
    expect(problemsOf(result)).toMatch(/namespace net enforces the pod security level baseline/);
  });

  it('goes without a trace on teardown, the configuration of a killed daemon included', async () => {
    const tree = i350();
    const host = testHost(tree);
    await run([multus], specOf(), host);
    tree.files.set('/etc/cni/net.d/00-multus.conf', '{}');
    tree.files.set('/etc/cni/net.d/10-primary.conflist', '{}');
    const result = await run([multus], specOf(), host, [], 'teardown');
    expect(problemsOf(result)).toBe('');
    expect(await host.cluster.record()).not.toMatch(/multus|sriovctl\//);
    expect([...tree.files.keys()].filter((path) => path.startsWith('/etc/cni'))).toEqual([
      '/etc/cni/net.d/10-primary.conflist',
    ]);
  });

  it('keeps the kind of networks as long as there is a network', async () => {
    const network = object({
      apiVersion: 'k8s.cni.cncf.io/v1',
      kind: 'NetworkAttachmentDefinition',
      metadata: { name: 'theirs', namespace: 'default' },
    });
    const host = testHost(i350(), { objects: [testNode('node1'), network] });
    await run([multus], specOf(), host);
    await run([multus], specOf(), host, [], 'teardown');
    expect(await host.cluster.record()).toMatch('CustomResourceDefinition');
  });

  it('takes back its objects when a later one is refused', async () => {
    const host = testHost(i350());
    const before = JSON.parse((await host.cluster.record()) ?? '') as { items: { kind: string }[] };
    const result = await run([multus], specOf(), {
      ...host,
      perform: async (action) => {
        const applies = action.kind === 'object' && action.command.argv.includes('apply');
        if (applies && action.object.kind === 'DaemonSet') throw new Error('refused');
        await host.perform(action);
      },
    });
    expect(result.leftover).toEqual([]);
    expect(result.outcome).toBe('rolled-back');
    const after = JSON.parse((await host.cluster.record()) ?? '') as { items: { kind: string }[] };
    expect(
      after.items.map(({ kind }) => kind).filter((kind) => kind !== 'CustomResourceDefinition'),
    ).toEqual(before.items.map(({ kind }) => kind));
  });
});
