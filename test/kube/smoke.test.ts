import { describe, expect, it } from 'vitest';
import type { Command, CommandResult, Host } from '../../src/host.ts';
import type { LiveObject } from '../../src/kube/object.ts';
import { poolConfig } from '../../src/kube/pools/pool.ts';
import { readPools } from '../../src/kube/pools/read-pools.ts';
import { smoke, variableOf } from '../../src/kube/smoke.ts';
import { siteOf } from '../../src/kube/stage.ts';
import { HostTree, i350, i350Vfs, port0 } from './host-tree.ts';
import { object, specOf, testHost, testNode } from './test-cluster.ts';

const pools = await readPools(specOf(), i350());

const said = (stdout: string): CommandResult => ({ ran: true, exitCode: 0, stdout, stderr: '' });

/** What the pod's programs say, by their argument lists. */
interface PodSays {
  readonly status?: object;
  readonly annotation?: string;
  readonly answers: Readonly<Record<string, string>>;
  readonly events?: readonly LiveObject[];
}

const running = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };

const statusOf = (address: string) =>
  JSON.stringify([
    { name: 'primary', interface: 'eth0' },
    { name: 'default/x', interface: 'net1', 'device-info': { pci: { 'pci-address': address } } },
  ]);

const goodAnswers = {
  'printenv PCIDEVICE_EXAMPLE_COM_SRIOV_ENP1S0F0': '0000:02:10.4\n',
  'readlink /sys/class/net/net1/device': '../../../0000:02:10.4\n',
  'readlink /sys/class/net/net1/device/physfn': '../0000:01:00.0\n',
};

const good: PodSays = { annotation: statusOf('0000:02:10.4'), answers: goodAnswers };

/** The cluster model, with a kubelet that runs the pod as it is told to. */
const hostWith = (says: PodSays, tree = i350(), host = testHost(tree)) => {
  const query = async (command: Command): Promise<CommandResult> => {
    const { argv, stdin = '' } = command;
    const after = argv.indexOf('--');
    if (argv.includes('exec')) return said(says.answers[argv.slice(after + 1).join(' ')] ?? '');
    if (argv.includes('events')) return said(JSON.stringify({ items: says.events ?? [] }));
    const answer = await host.query(command);
    if (!stdin.includes('"Pod"') || !answer.ran || answer.stdout === '') return answer;
    const list = JSON.parse(answer.stdout) as { items: LiveObject[] };
    const items = list.items.map((pod) => ({
      ...pod,
      metadata: {
        ...pod.metadata,
        annotations: {
          ...pod.metadata.annotations,
          'k8s.v1.cni.cncf.io/network-status': says.annotation,
        },
      },
      status: says.status ?? running,
    }));
    return said(JSON.stringify({ items }));
  };
  return { ...host, query };
};

const smokeOn = async (host: Host, ping = false, spec = specOf()) => {
  return smoke(
    { ...(await siteOf(spec, host)), host },
    {
      ping,
    },
  );
};

describe('a smoke test', () => {
  it('passes when annotation, variable and interface are one VF of the PF, and leaves no pod', async () => {
    const host = hostWith(good);
    const findings = await smokeOn(host);
    expect(findings.filter(({ ok }) => !ok)).toEqual([]);
    expect(findings.map(({ id }) => id)).toEqual([
      'running',
      'vf-of-pool',
      'network-status',
      'interface',
      'pf',
    ]);
    expect(await host.cluster.record()).not.toMatch('sriovctl-smoke');
  });

  it.each([
    [
      'Multus names another VF',
      { ...good, annotation: statusOf('0000:02:11.0') },
      'network-status',
    ],
    [
      'the interface is another VF',
      {
        ...good,
        answers: { ...goodAnswers, 'readlink /sys/class/net/net1/device': '../0000:02:11.0' },
      },
      'interface',
    ],
    [
      'the VF is of another PF',
      {
        ...good,
        answers: {
          ...goodAnswers,
          'readlink /sys/class/net/net1/device/physfn': '../0000:01:00.1',
        },
      },
      'pf',
    ],
    ['Multus attached nothing', { answers: goodAnswers }, 'network-attached'],
  ])('fails when %s', async (_what, says, id) => {
    const failed = (await smokeOn(hostWith(says))).filter(({ ok }) => !ok);
    expect(failed.map((finding) => finding.id)).toEqual([id]);
  });

  it('fails when the pod was given the PF beside', async () => {
    const answers = {
      ...goodAnswers,
      'printenv PCIDEVICE_EXAMPLE_COM_SRIOV_ENP1S0F0': '0000:01:00.1',
    };
    const failed = (await smokeOn(hostWith({ ...good, answers }))).filter(({ ok }) => !ok);
    expect(failed.map(({ id }) => id)).toContain('vf-of-pool');
  });

  it('says why a pod does not start, with the remedy, and removes it', async () => {
    const message = 'failed to find plugin "sriov" in path [/opt/cni/bin]';
    const events = [object({ apiVersion: 'v1', kind: 'Event', metadata: { name: 'e' }, message })];
    const host = hostWith({ status: { phase: 'Pending' }, answers: {}, events });
    const [only, ...more] = await smokeOn(host);
    expect(more).toEqual([]);
    expect(only?.detail).toMatch(message);
    expect(only?.hint).toMatch('crictl info');
    expect(await host.cluster.record()).not.toMatch('sriovctl-smoke');
  });

  it('goes from a workstation by what the node has published', async () => {
    const workstation = testHost(new HostTree('laptop'), {
      objects: [
        testNode('node1'),
        object({
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'sriovdp-config', namespace: 'kube-system' },
          data: { node1: JSON.stringify({ resourceList: pools.map(poolConfig) }) },
        }),
      ],
    });
    const trySmoke = async (answers: PodSays['answers']) => {
      const host = hostWith({ ...good, answers }, undefined, workstation);
      const found = await smokeOn(host, false, { ...specOf({ node: 'node1' }), pfs: [] });
      return found.map(({ id, ok }) => `${id} ${ok}`);
    };
    expect(await trySmoke(goodAnswers)).toEqual([
      'running true',
      'vf-of-pool true',
      'network-status true',
      'interface true',
      'pf true',
    ]);
    const physfn = 'readlink /sys/class/net/net1/device/physfn';
    expect(await trySmoke({ ...goodAnswers, [physfn]: '../0000:01:00.1' })).toContain('pf false');
  });

  it.each([
    ['3 packets transmitted, 3 packets received, 0% packet loss', true],
    ['3 packets transmitted, 0 packets received, 100% packet loss', false],
  ])('takes %j for an answer of the peer: %s', async (said, ok) => {
    const answers = {
      ...goodAnswers,
      'cat /proc/net/if_inet6': [
        'fe800000000000000000000000000001 02 40 20 80     eth0',
        'fe80000000000000a0e369fffe8c1d44 05 40 20 80     net1',
      ].join('\n'),
      'ping -6 -c 3 -W 2 fe80:0000:0000:0000:a0e3:69ff:fe8c:1d44%net1': said,
    };
    const host = hostWith({ ...good, answers });
    const found = (await smokeOn(host, true)).filter(({ id }) => id === 'ping');
    expect(found.map((one) => one.ok)).toEqual([ok]);
    expect(await host.cluster.record()).not.toMatch('sriovctl-smoke');
  });

  it('asks a pod of a vfio pool for the group’s device', async () => {
    const tree = i350();
    tree.setVfs(port0, i350Vfs(1, 'vfio-pci'));
    tree.links.set('/sys/bus/pci/devices/0000:02:10.0/iommu_group', '../../kernel/iommu_groups/45');
    const answers = {
      'printenv PCIDEVICE_EXAMPLE_COM_SRIOV_ENP1S0F0_VFIO': '0000:02:10.0',
      'ls /dev/vfio': '45\nvfio',
    };
    const says = { annotation: statusOf('0000:02:10.0'), answers };
    expect((await smokeOn(hostWith(says, tree))).filter(({ ok }) => !ok)).toEqual([]);
    const without = { ...says, answers: { ...answers, 'ls /dev/vfio': 'vfio' } };
    const failed = (await smokeOn(hostWith(without, tree))).filter(({ ok }) => !ok);
    expect(failed.map(({ detail }) => detail)).toEqual(['/dev/vfio/45 is not in the pod']);
  });

  it('knows the variable of a resource', () => {
    expect(variableOf('example.com/my_nics')).toBe('PCIDEVICE_EXAMPLE_COM_MY_NICS');
  });
});
