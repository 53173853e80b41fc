import { describe, expect, it } from 'vitest';
import { sriovCni } from '../../src/steps/sriov-cni.ts';
import { i350 } from '../kube/host-tree.ts';
import {
  changesOf,
  object,
  problemsOf,
  run,
  specOf,
  testHost,
  testNode,
} from '../kube/test-cluster.ts';

describe('the sriov-cni stage', () => {
  it('puts the plugin onto the node, and nothing on a second run', async () => {
    const host = testHost(i350());
    const first = await run([sriovCni], specOf(), host);
    expect(problemsOf(first)).toBe('');
    expect(changesOf(first)).toEqual(['apply Node node1', 'apply DaemonSet kube-sriov-cni-ds']);
    expect((await run([sriovCni], specOf(), host)).outcome).toBe('in-sync');
  });

  it('brings a changed image to the node', async () => {
    const host = testHost(i350());
    await run([sriovCni], specOf(), host);
    const result = await run(
      [sriovCni],
      specOf({ images: { sriovCni: 'example.com/cni:v9' } }),
      host,
    );
    expect(problemsOf(result)).toBe('');
    expect(result.steps[0]?.changes[0]?.change.reason).toMatch(
      /containers\[kube-sriov-cni\]\.image: .* → "example\.com\/cni:v9"/,
    );
  });

  it('uses the one that the operator brought', async () => {
    const name = 'sriov-network-config-daemon';
    const initContainers = [{ name: 'sriov-cni', image: 'example.com/sriov-cni:v2' }];
    const objects = [
      testNode('node1'),
      object({
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata: { name, namespace: 'operator' },
        spec: { template: { spec: { initContainers, containers: [] } } },
      }),
      object({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name: 'x',
          namespace: 'operator',
          ownerReferences: [{ kind: 'DaemonSet', name }],
        },
        spec: { nodeName: 'node1' },
      }),
    ];
    const result = await run([sriovCni], specOf(), testHost(i350(), { objects }));
    expect(problemsOf(result)).toBe('');
    expect(changesOf(result)).toEqual([]);
  });

  it('goes from one node and stays on the other on teardown', async () => {
    const objects = [testNode('node1'), testNode('node2')];
    const host = testHost(i350(), { objects });
    const other = { ...host, fs: i350('node2') };
    await run([sriovCni], specOf(), host);
    await run([sriovCni], specOf(), other);
    await run([sriovCni], specOf(), host, [], 'teardown');
    const kept = (await host.cluster.record()) ?? '';
    expect(kept).toMatch('kube-sriov-cni-ds-node2');
    expect(kept).not.toMatch('kube-sriov-cni-ds-node1');
    await run([sriovCni], specOf(), other, [], 'teardown');
    expect(await host.cluster.record()).not.toMatch('kube-sriov-cni-ds');
  });
});
