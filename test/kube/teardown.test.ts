import { describe, expect, it } from 'vitest';
import type { Host } from '../../src/host.ts';
import { draDriver, draPolicyCrd } from '../../src/kube/manifests/dra.ts';
import type { KubeSpec } from '../../src/resolved-spec.ts';
import { devicePlugin } from '../../src/steps/device-plugin.ts';
import { dra } from '../../src/steps/dra.ts';
import { multus } from '../../src/steps/multus.ts';
import { network } from '../../src/steps/network.ts';
import { sriovCni } from '../../src/steps/sriov-cni.ts';
import { workload } from '../../src/steps/workload.ts';
import { i350, i350Vfs } from './host-tree.ts';
import { changesOf, object, problemsOf, run, specOf, testHost, testNode } from './test-cluster.ts';

const stages = [multus, sriovCni, devicePlugin, network];
const all = [multus, sriovCni, devicePlugin, dra, network, workload];

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

describe('a teardown by a spec that does not want what the setup had', () => {
  const { apiVersion, kind, name } = draPolicyCrd;
  const draDriverObjects = [
    object({ apiVersion, kind, metadata: { name } }),
    object({
      apiVersion: 'resource.k8s.io/v1',
      kind: 'ResourceSlice',
      metadata: { name: 'node1-vfs' },
      spec: {
        driver: draDriver,
        nodeName: 'node1',
        devices: i350Vfs(4).map(({ address }) => ({
          attributes: { 'resource.kubernetes.io/pciBusID': { string: address } },
        })),
      },
    }),
  ];
  const tearDown = (host: Host) => run(all.toReversed(), specOf(), host, [], 'teardown');

  it('removes the sample workload', async () => {
    const host = testHost(i350());
    expect(problemsOf(await run(all, specOf({ workload: true }), host))).toBe('');
    const torn = await tearDown(host);
    expect(problemsOf(torn)).toBe('');
    expect(changesOf(torn)[0]).toBe('delete Pod sriovctl-workload');
  });

  it.each([
    ['that somebody else has made', {}, 'node1'],
    ['of another node', { 'app.kubernetes.io/managed-by': 'sriovctl' }, 'node2'],
  ])('leaves a pod of that name %s', async (_which, labels, nodeName) => {
    const metadata = { name: 'sriovctl-workload', namespace: 'default', labels };
    const pod = object({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName } });
    const torn = await tearDown(testHost(i350(), { objects: [testNode('node1'), pod] }));
    expect(changesOf(torn)).toEqual([]);
  });

  it('removes what was defined for a DRA driver', async () => {
    const host = testHost(i350(), { objects: [testNode('node1'), ...draDriverObjects] });
    expect(problemsOf(await run(all, specOf({ allocation: 'dra' }), host))).toBe('');
    const torn = await tearDown(host);
    expect(problemsOf(torn)).toBe('');
    expect(changesOf(torn)).toEqual(
      expect.arrayContaining([
        'delete SriovResourcePolicy sriov-enp1s0f0-node1',
        'delete DeviceClass sriov-enp1s0f0',
        'delete ResourceClaimTemplate sriov-enp1s0f0',
        'delete DeviceAttributes sriov-enp1s0f0',
      ]),
    );
  });

  it('asks a cluster without the driver for no other kind of DRA', async () => {
    const cluster = testHost(i350());
    const stderr = 'error: the server doesn\'t have a resource type "sriovresourcepolicies"';
    const host: Host = {
      ...cluster,
      query: (command) =>
        command.argv.some((arg) => arg.includes(draDriver) || arg.includes('resource.k8s.io'))
          ? Promise.resolve({
              ran: true,
              exitCode: 1,
              stdout: '',
              stderr: command.argv.some((arg) => arg.startsWith('sriovresourcepolicies'))
                ? stderr
                : 'Error from server (Forbidden): deviceclasses is forbidden',
            })
          : cluster.query(command),
    };
    expect(problemsOf(await run(stages, specOf(), host))).toBe('');
    expect(problemsOf(await tearDown(host))).toBe('');
  });

  it('is other than the setup, which says why it skips a stage', async () => {
    const { steps } = await run([dra, workload], specOf(), testHost(i350()));
    expect(steps.map(({ because }) => because)).toEqual([
      'the device plugin hands out the VFs',
      'no sample workload is wanted',
    ]);
  });
});
