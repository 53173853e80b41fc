import { describe, expect, it } from 'vitest';
import { findCluster } from '../../src/kube/cluster.ts';
import { recordedCluster } from '../../src/kube/model.ts';
import { HostTree } from './host-tree.ts';
import { hostWithout, kubeSpec, testHost, testNode } from './test-cluster.ts';

const withId = (name: string) =>
  testNode(name, { status: { nodeInfo: { kubeletVersion: 'v1.34.2', machineID: 'abc' } } });

const nodeOn = async (
  hostname: string,
  nodes: readonly ReturnType<typeof testNode>[],
  node?: string,
) => {
  const tree = new HostTree(hostname);
  tree.files.set('/etc/machine-id', 'abc\n');
  const spec = { ...kubeSpec, ...(node !== undefined && { node }) };
  const answer = await findCluster(spec, testHost(tree, { objects: nodes }));
  return answer.reachable ? { node: answer.cluster.node, here: answer.cluster.here } : answer;
};

describe('the node that this host is', () => {
  it('is told by the machine’s id where no node carries the hostname', async () => {
    const nodes = [withId('10.0.0.5'), testNode('other')];
    expect(await nodeOn('worker1', nodes)).toEqual({ node: '10.0.0.5', here: true });
    expect(await nodeOn('worker1', nodes, '10.0.0.5')).toEqual({ node: '10.0.0.5', here: true });
  });

  it('is not a clone of it with the same machine’s id', async () => {
    const nodes = [withId('worker1'), withId('worker2')];
    expect(await nodeOn('worker1', nodes, 'worker2')).toEqual({ node: 'worker2', here: false });
    expect(await nodeOn('worker1', nodes)).toEqual({ node: 'worker1', here: true });
  });

  it('is the one of its name among clones, also where the node is called otherwise', async () => {
    const named = testNode('10.0.0.5', {
      metadata: { name: '10.0.0.5', labels: { 'kubernetes.io/hostname': 'worker1' } },
      status: { nodeInfo: { kubeletVersion: 'v1.34.2', machineID: 'abc' } },
    });
    const nodes = [named, withId('worker2')];
    expect(await nodeOn('worker1', nodes)).toEqual({ node: '10.0.0.5', here: true });
  });
});

describe('a host without a cluster', () => {
  it('is told to install kubectl where that is what is missing, and a captured tree is not', async () => {
    const tree = new HostTree('node1');
    expect(await findCluster(kubeSpec, hostWithout(tree, 'no kubectl'))).toMatchObject({
      hint: expect.stringMatching(/^Install kubectl/) as string,
    });
    const { query } = recordedCluster({ fs: tree });
    expect(await findCluster(kubeSpec, { fs: tree, query })).toMatchObject({
      because: 'no cluster is recorded in the tree',
      hint: 'Leave the Kubernetes stages out with --no-kube.',
    });
  });
});
