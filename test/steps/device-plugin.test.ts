import { describe, expect, it } from 'vitest';
import { checkpointPath } from '../../src/kube/registered.ts';
import { devicePlugin } from '../../src/steps/device-plugin.ts';
import type { HostTree } from '../kube/host-tree.ts';
import { i350, i350Vfs, port0 } from '../kube/host-tree.ts';
import {
  changesOf,
  object,
  problemsOf,
  run,
  specOf,
  testHost,
  testNode,
} from '../kube/test-cluster.ts';

const daemonSet = (name: string, image: string) => [
  object({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace: 'sriov' },
    spec: { template: { spec: { containers: [{ name: 'main', image }] } } },
  }),
  object({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${name}-1`,
      namespace: 'sriov',
      ownerReferences: [{ kind: 'DaemonSet', name }],
    },
    spec: { nodeName: 'node1' },
  }),
];

const restart = 'delete Pod kube-sriov-device-plugin@node1';

/** kubelet's folder is there, so the simulated kubelet keeps its record. */
const nodeTree = (): HostTree => {
  const tree = i350();
  tree.files.set('/var/lib/kubelet/device-plugins/kubelet.sock', '');
  return tree;
};

describe('the device-plugin stage', () => {
  it('ends with the node offering exactly the four VFs', async () => {
    const tree = nodeTree();
    const host = testHost(tree);
    const result = await run([devicePlugin], specOf(), host);
    expect(problemsOf(result)).toBe('');
    expect(JSON.parse(tree.files.get(checkpointPath) ?? '')).toMatchObject({
      Data: {
        RegisteredDevices: {
          'example.com/sriov_enp1s0f0': i350Vfs(4).map(({ address }) => address),
        },
      },
    });
    expect((await run([devicePlugin], specOf(), host)).outcome).toBe('in-sync');
  });

  it('restarts the plugin once when VFs were added, and says whom that concerns', async () => {
    const tree = nodeTree();
    const host = testHost(tree);
    await run([devicePlugin], specOf(), host);
    tree.setVfs(port0, i350Vfs(6));
    const result = await run([devicePlugin], specOf({}, 6), host);
    expect(problemsOf(result)).toBe('');
    expect(changesOf(result)).toEqual(['apply ConfigMap sriovdp-config', restart]);
    expect(result.steps[0]?.changes.at(-1)?.change.disrupts).toMatch(/UnexpectedAdmissionError/);
    expect((await run([devicePlugin], specOf({}, 6), host)).outcome).toBe('in-sync');
  });

  it('restarts the plugin when the same configuration means other VFs', async () => {
    const tree = nodeTree();
    const host = testHost(tree);
    await run([devicePlugin], specOf(), host);
    tree.files.set(
      checkpointPath,
      JSON.stringify({
        Data: {
          RegisteredDevices: {
            'example.com/sriov_enp1s0f0': [
              '0000:01:00.1',
              '0000:02:10.0',
              '0000:02:10.4',
              '0000:02:11.0',
            ],
          },
        },
      }),
    );
    const result = await run([devicePlugin], specOf(), host);
    expect(problemsOf(result)).toBe('');
    expect(changesOf(result)).toEqual([restart]);
  });

  it('waits for a plugin that has not registered yet, and gives up at the deadline', async () => {
    const tree = i350();
    const host = testHost(tree);
    await run([devicePlugin], specOf(), host);
    tree.setDriver('0000:02:10.0', undefined);
    await run([devicePlugin], specOf(), host);
    const node = testNode('node1');
    await host.cluster.apply({
      kind: 'object',
      object: node,
      command: {
        argv: ['kubectl', 'apply', '--field-manager=kubelet', '--force-conflicts'],
        stdin: JSON.stringify({
          ...node,
          status: { allocatable: { 'example.com/sriov_enp1s0f0': '0' } },
        }),
      },
    });
    const result = await run([devicePlugin], specOf(), host);
    expect(problemsOf(result)).toMatch(/Timed out waiting for .*to be 3, it is 0/);
  });

  it.each([
    [
      'another device plugin',
      'x/sriov-network-device-plugin:v3',
      /another SR-IOV device plugin runs on this node \(DaemonSet sriov\/theirs\)/,
    ],
    [
      'the operator',
      'x/sriov-network-config-daemon:v1',
      /SR-IOV network operator manages this node/,
    ],
  ])('refuses a node with %s', async (_what, image, problem) => {
    const objects = [testNode('node1'), ...daemonSet('theirs', image)];
    const result = await run([devicePlugin], specOf(), testHost(i350(), { objects }));
    expect(result.outcome).toBe('refused');
    expect(problemsOf(result)).toMatch(problem);
  });

  it('refuses without VFs, and does nothing where none are wanted', async () => {
    const tree = i350();
    tree.setVfs(port0, []);
    expect(problemsOf(await run([devicePlugin], specOf(), testHost(tree)))).toMatch(
      /no VF with a driver/,
    );
    const none = await run([devicePlugin], specOf({}, 0), testHost(tree));
    expect(none.outcome).toBe('in-sync');
  });

  it('refuses pools that overlap', async () => {
    const pools = [
      { name: 'some', vfs: '0-2' },
      { name: 'more', vfs: '2-3' },
    ];
    const result = await run([devicePlugin], specOf({ pools }), testHost(i350()));
    expect(problemsOf(result)).toBe(
      'example.com/more and example.com/some both ask for 0000:02:11.0',
    );
  });

  it('offers the pools that were asked for', async () => {
    const tree = nodeTree();
    const pools = [
      { name: 'fast', pfs: ['enp1s0f0'], vfs: '0-1' },
      { name: 'slow', vfs: '2-3' },
    ];
    expect(problemsOf(await run([devicePlugin], specOf({ pools }), testHost(tree)))).toBe('');
    expect(JSON.parse(tree.files.get(checkpointPath) ?? '')).toMatchObject({
      Data: {
        RegisteredDevices: {
          'example.com/fast': ['0000:02:10.0', '0000:02:10.4'],
          'example.com/slow': ['0000:02:11.0', '0000:02:11.4'],
        },
      },
    });
  });

  it('names the manager of a key that others wrote for this node', async () => {
    const fieldsV1 = { 'f:data': { 'f:node1': {}, 'f:node2': {} } };
    const theirs = object({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: 'sriovdp-config',
        namespace: 'kube-system',
        managedFields: [{ manager: 'kubectl-edit', operation: 'Update', fieldsV1 }],
      },
      data: { node1: '{}', node2: '{}' },
    });
    const host = testHost(i350(), { objects: [testNode('node1'), theirs] });
    const refused = await run([devicePlugin], specOf(), host);
    expect(problemsOf(refused)).toMatch(/\.data\.node1 \(owned by kubectl-edit\)/);
    const forced = await run([devicePlugin], specOf(), host, ['force-conflicts']);
    expect(problemsOf(forced)).toBe('');
    expect(await host.cluster.record()).toMatch('"node2": "{}"');
  });
});
