import { describe, expect, it } from 'vitest';
import { HostError } from '../../src/errors.ts';
import type { Host } from '../../src/host.ts';
import { parseJson } from '../../src/kube/json.ts';
import { objectsIn } from '../../src/kube/object.ts';
import type { KubeSpec } from '../../src/resolved-spec.ts';
import { devicePlugin } from '../../src/steps/device-plugin.ts';
import { multus } from '../../src/steps/multus.ts';
import { network } from '../../src/steps/network.ts';
import { sriovCni } from '../../src/steps/sriov-cni.ts';
import { i350 } from './host-tree.ts';
import { changesOf, object, problemsOf, run, specOf, testHost, testNode } from './test-cluster.ts';

const stages = [multus, sriovCni, devicePlugin, network];

type Clustered = ReturnType<typeof testHost>;

const namesIn = async ({ cluster }: Clustered): Promise<readonly string[]> =>
  objectsIn(parseJson((await cluster.record()) ?? '')).map(
    ({ kind, metadata }) => `${kind} ${metadata.name}`,
  );

/** A node on which a plain pod does not start at one of the two times. */
const withoutPods = (host: Clustered, time: 'before' | 'after'): Host => ({
  ...host,
  perform: async (action) => {
    const isWait = action.kind === 'object' && action.command.argv.includes('wait');
    if (isWait && action.object.metadata.name.includes(time)) {
      throw new HostError('EXIT', 'kubectl wait', 'timed out (exit code 1: error: timed out)');
    }
    await host.perform(action);
  },
  query: async (command) => {
    if (!command.argv.includes('events')) return host.query(command);
    const message = 'dial unix /run/multus/multus.sock: connect: connection refused';
    const items = [object({ apiVersion: 'v1', kind: 'Event', metadata: { name: 'e' }, message })];
    return { ran: true, exitCode: 0, stdout: JSON.stringify({ items }), stderr: '' };
  },
});

describe('a change of Multus', () => {
  it('is not begun on a node that starts no pods', async () => {
    const host = testHost(i350());
    const before = await namesIn(host);
    const result = await run([multus], specOf(), withoutPods(host, 'before'));
    expect(result.outcome).toBe('rolled-back');
    expect(problemsOf(result)).toMatch(/a plain pod does not start on node1: .*multus\.sock/);
    expect(changesOf(result)).toEqual(['apply Pod sriovctl-canary-before-node1']);
    expect(await namesIn(host)).toEqual(before);
  });

  it('is taken back when no pod starts any more', async () => {
    const host = testHost(i350());
    const before = await namesIn(host);
    const result = await run([multus], specOf(), withoutPods(host, 'after'));
    expect(result.outcome).toBe('rolled-back');
    expect(changesOf(result)).toContain('apply DaemonSet kube-multus-ds');
    // Deleting the kind of networks would delete other people's networks too.
    expect((await namesIn(host)).filter((name) => !/^CustomResource/.test(name))).toEqual(before);
  });

  it('goes without the pods where they are not wanted', async () => {
    const result = await run([multus], specOf({ canary: false }), testHost(i350()));
    expect(result.outcome).toBe('applied');
    expect(changesOf(result).filter((change) => change.includes('Pod'))).toEqual([]);
  });

  it('is refused where Cilium takes the configuration away', async () => {
    const cilium = object({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'cilium-config', namespace: 'kube-system' },
      data: { 'cni-exclusive': 'true' },
    });
    const host = testHost(i350(), { objects: [testNode('node1'), cilium] });
    const result = await run([multus], specOf(), host);
    expect(result.outcome).toBe('refused');
    expect(problemsOf(result)).toMatch(/cni-exclusive/);
    expect(changesOf(result)).toEqual([]);
  });
});

describe('the removal of everything', () => {
  const leftBehind = [
    '/etc/cni/net.d/00-multus.conf',
    '/etc/cni/net.d/multus.d/multus.kubeconfig',
    '/opt/cni/bin/multus',
    '/opt/cni/bin/multus-shim',
    '/opt/cni/bin/passthru',
    '/opt/cni/bin/sriov',
  ];
  const others = ['/etc/cni/net.d/10-flannel.conflist', '/opt/cni/bin/host-local'];

  const setUp = async (kube: Partial<KubeSpec> = {}) => {
    const tree = i350();
    const host = testHost(tree);
    const before = await namesIn(host);
    expect(problemsOf(await run(stages, specOf(kube), host))).toBe('');
    for (const path of [...leftBehind, ...others]) tree.files.set(path, 'x');
    return { tree, host, before };
  };

  it.each(['thick', 'thin'] as const)(
    'takes along what Multus (%s) and the CNI left on the node',
    async (kind) => {
      const { tree, host, before } = await setUp({ multus: kind });
      const torn = await run(stages.toReversed(), specOf({ multus: kind }), host, [], 'teardown');
      expect(problemsOf(torn)).toBe('');
      expect(leftBehind.filter((path) => tree.files.has(path))).toEqual([]);
      expect(others.filter((path) => tree.files.has(path))).toEqual(others);
      expect(await namesIn(host)).toEqual(before);
    },
  );

  it('leaves binaries and configuration that were there without a setup', async () => {
    const tree = i350();
    for (const path of leftBehind) tree.files.set(path, '{"type":"multus"}');
    const torn = await run(stages.toReversed(), specOf(), testHost(tree), [], 'teardown');
    expect(changesOf(torn)).toEqual([]);
    expect(leftBehind.filter((path) => tree.files.has(path))).toEqual(leftBehind);
  });

  it('takes out the configuration of a daemon that a killed run has removed', async () => {
    const tree = i350();
    tree.files.set('/etc/cni/net.d/00-multus.conf', '{"type":"multus-shim"}');
    await run(stages.toReversed(), specOf(), testHost(tree), [], 'teardown');
    expect(tree.files.has('/etc/cni/net.d/00-multus.conf')).toBe(false);
  });
});
