import { describe, expect, it } from 'vitest';
import type { KubeSpec } from '../../src/resolved-spec.ts';
import { devicePlugin } from '../../src/steps/device-plugin.ts';
import { multus } from '../../src/steps/multus.ts';
import { network } from '../../src/steps/network.ts';
import { sriovCni } from '../../src/steps/sriov-cni.ts';
import { i350 } from './host-tree.ts';
import { changesOf, problemsOf, run, specOf, testHost, testNode } from './test-cluster.ts';

const stages = [multus, sriovCni, devicePlugin, network];

describe('a teardown of a node that was chosen by a selector of the spec', () => {
  const role = { role: 'net' };
  const chosen = (name: string) =>
    testNode(name, { metadata: { name, labels: { ...role, 'kubernetes.io/hostname': name } } });
  const multusConfig = '/etc/cni/net.d/00-multus.conf';

  /** Sets node1 up, and takes it out by a spec that may say less than that of the setup. */
  const tornDown = async (others: ReturnType<typeof testNode>[], kube: Partial<KubeSpec>) => {
    const tree = i350();
    const host = testHost(tree, { objects: [chosen('node1'), ...others] });
    expect(problemsOf(await run(stages, specOf({ nodeSelector: role }), host))).toBe('');
    tree.files.set(multusConfig, '{"type":"multus-shim"}');
    tree.files.set('/opt/cni/bin/sriov', 'x');
    const torn = await run(stages.toReversed(), specOf(kube), host, [], 'teardown');
    expect(problemsOf(torn)).toBe('');
    return { tree, changes: changesOf(torn) };
  };

  it.each([
    ['with the selector', { nodeSelector: role }],
    ['without it', {}],
  ])('keeps what other nodes of it need (%s)', async (_how, kube) => {
    const { tree, changes } = await tornDown([chosen('node2')], kube);
    expect(changes.filter((change) => /DaemonSet|ClusterRole|ServiceAccount/.test(change))).toEqual(
      [],
    );
    expect(tree.files.has(multusConfig)).toBe(true);
    expect(tree.files.has('/opt/cni/bin/sriov')).toBe(true);
  });

  it('takes all of it out with the last node of it', async () => {
    const { tree, changes } = await tornDown([testNode('node2')], { nodeSelector: role });
    expect(changes).toEqual(
      expect.arrayContaining([
        'delete DaemonSet kube-multus-ds',
        'delete DaemonSet kube-sriov-cni-ds',
        'delete DaemonSet kube-sriov-device-plugin',
      ]),
    );
    expect(tree.files.has(multusConfig)).toBe(false);
    expect(tree.files.has('/opt/cni/bin/sriov')).toBe(false);
  });
});
