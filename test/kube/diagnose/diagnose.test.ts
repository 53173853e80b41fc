import { describe, expect, it } from 'vitest';
import { failures, recognize } from '../../../src/kube/diagnose/catalogue.ts';
import { diagnose } from '../../../src/kube/diagnose/diagnose.ts';
import { gatherEvidence } from '../../../src/kube/diagnose/evidence.ts';
import { siteOf } from '../../../src/kube/stage.ts';
import { HostTree } from '../host-tree.ts';
import { object, specOf } from '../test-cluster.ts';
import { daemonSet, podOf, type Recorded, recordedHost, resource, vfs } from './recorded.ts';

const ended = (exitCode: number, reason: string) => ({
  containerStatuses: [{ name: 'c', lastState: { terminated: { exitCode, reason } } }],
});

/** A token that expires at a time; its first and last part say nothing here. */
const tokenOf = (exp: number): string =>
  `token: x.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.x`;

const waiting = object({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'w', namespace: 'default' },
  status: {
    phase: 'Pending',
    conditions: [{ message: '0/3 nodes are available: 3 Insufficient example.com/nics.' }],
  },
});

/** One recorded state for each row of the catalogue, in its order. */
const rows: readonly (readonly [number, keyof typeof failures, Recorded])[] = [
  [
    1,
    'pf-counted',
    { allocatable: { [resource]: '5' }, registered: { [resource]: [...vfs, '0000:01:00.1'] } },
  ],
  [2, 'resource-absent', { allocatable: {}, registered: {} }],
  [
    3,
    'count-low',
    { allocatable: { [resource]: '3' }, registered: { [resource]: vfs.slice(0, 3) } },
  ],
  [4, 'config-unread', { configured: '2026-02-01T00:00:00Z' }],
  [5, 'plugin-ended', { pluginStatus: ended(0, 'Completed') }],
  [6, 'plugin-fatal', { pluginStatus: ended(255, 'Error') }],
  [7, 'pool-dropped', { selectors: [{ vendors: '8086' }] }],
  [8, 'no-host-network', { hostNetwork: false }],
  [
    9,
    'not-registered',
    { pluginLog: 'E1 server.go] plugin example.com/nics failed to be registered at Kubelet' },
  ],
  [10, 'plugin-away', { allocatable: { [resource]: '0' }, registered: {} }],
  [11, 'stale-resource', { capacity: { [resource]: '4', 'example.com/old': '0' } }],
  [12, 'insufficient', { objects: [waiting] }],
  [13, 'unadmitted', { pod: { status: { phase: 'Failed', reason: 'UnexpectedAdmissionError' } } }],
  [14, 'sriov-missing', { event: 'failed to find plugin "sriov" in path [/opt/cni/bin]' }],
  [15, 'cni-missing', { event: 'failed to find plugin "host-local" in path [/opt/cni/bin]' }],
  [
    16,
    'no-device',
    { event: 'SRIOV-CNI failed to load netconf: LoadConf(): VF pci addr is required' },
  ],
  [
    17,
    'vf-unbound',
    { event: 'the VF 0000:02:10.0 does not have a interface name or a dpdk driver' },
  ],
  [18, 'vf-taken', { event: 'pci address 0000:02:10.0 is already allocated' }],
  [19, 'vf-setting', { event: 'failed to set vf 2 vlan configuration: operation not supported' }],
  [
    20,
    'network-missing',
    { event: 'cannot find a network-attachment-definition (x) in namespace (y)' },
  ],
  [
    21,
    'network-forbidden',
    { event: 'namespace isolation enabled, annotation violates permission' },
  ],
  [
    22,
    'multus-inactive',
    { pod: { metadata: { annotations: { 'k8s.v1.cni.cncf.io/networks': 'net' } } } },
  ],
  [23, 'cilium-exclusive', { files: { '/etc/cni/net.d/00-multus.conf.cilium_bak': '{}' } }],
  [24, 'multus-down', { multusStatus: ended(137, 'OOMKilled') }],
  [
    25,
    'multus-unauthorized',
    { files: { '/etc/cni/net.d/multus.d/multus.kubeconfig': tokenOf(Date.UTC(2026, 4) / 1_000) } },
  ],
  [
    26,
    'multus-busy',
    {
      multusLog: "cp: cannot create regular file '/host/opt/cni/bin/multus-shim': Text file busy",
    },
  ],
  [
    27,
    'multus-no-primary',
    { multusLog: 'could not find a plugin configuration in /host/etc/cni/net.d' },
  ],
  [
    28,
    'mount-private',
    { event: 'path "/opt/cni/bin" is mounted on "/" but it is not a shared mount' },
  ],
  [29, 'netns-unseen', { event: 'failed to open netns "/run/netns/x": unknown FS magic' }],
  [30, 'multus-race', { event: 'stat /host/etc/cni/net.d/10-x.conflist: no such file' }],
  [31, 'cni-version', { network: { type: 'sriov' } }],
  [
    32,
    'selinux-socket',
    { pluginLog: 'listen unix /var/lib/kubelet/plugins_registry/x.sock: bind: permission denied' },
  ],
  [
    33,
    'vfio-group-moved',
    {
      event:
        'error gathering device information while adding custom device "/dev/vfio/45": no such file or directory',
    },
  ],
  [
    34,
    'two-plugins',
    {
      objects: [
        daemonSet('theirs', 'y/sriov-network-device-plugin:v3'),
        podOf('theirs', 'their-plugin'),
      ],
    },
  ],
  [
    35,
    'vfio-denied',
    {
      pod: {
        spec: { containers: [{ resources: { requests: { 'example.com/nics_vfio': '1' } } }] },
      },
    },
  ],
];

const diagnosed = async (state: Recorded) => {
  const { cluster, host, settings } = await siteOf(specOf(), recordedHost(state));
  return diagnose(await gatherEvidence(cluster, host, settings));
};

describe('a diagnosis of a recorded node', () => {
  it('finds nothing where all is well', async () => {
    expect(await diagnosed({})).toEqual([]);
  });

  it.each(rows)('finds row %i, %s, and nothing else', async (_row, id, state) => {
    expect((await diagnosed(state)).map((one) => one.id)).toEqual([id]);
  });

  it('finds by numbers what is wrong with a node that is not this host', async () => {
    const there = async (state: Recorded) => {
      const spec = { ...specOf({ node: 'node1' }), elsewhere: true } as const;
      const host = { ...recordedHost(state), fs: new HostTree('laptop') };
      const { cluster, settings } = await siteOf(spec, host);
      return diagnose(await gatherEvidence(cluster, host, settings)).map(({ id }) => id);
    };
    expect(await there({})).toEqual([]);
    expect(await there({ allocatable: { [resource]: '5' } })).toEqual(['pf-counted']);
    expect(await there({ allocatable: { [resource]: '3' } })).toEqual(['count-low']);
    expect(await there({ allocatable: {} })).toEqual(['resource-absent']);
    const whole = {
      allocatable: { [resource]: '3' },
      selectors: [{ rootDevices: ['0000:01:00.0'] }],
    };
    expect(await there(whole)).toEqual([]);
  });

  it('knows each failure of the catalogue', () => {
    expect(rows.map(([row]) => row)).toEqual(Array.from({ length: 35 }, (_, at) => at + 1));
    expect(new Set(rows.map(([, id]) => id))).toEqual(new Set(Object.keys(failures)));
  });

  it('takes a token that is still good for good', async () => {
    const path = '/etc/cni/net.d/multus.d/multus.kubeconfig';
    expect(await diagnosed({ files: { [path]: tokenOf(Date.UTC(2026, 6) / 1_000) } })).toEqual([]);
  });

  it.each([
    [
      'the daemon is down',
      'dial unix /run/multus/multus.sock: connect: connection refused',
      'multus-down',
    ],
    ['the token is refused', 'error waiting for pod: Unauthorized', 'multus-unauthorized'],
    [
      'a pod was given a PF',
      'lstat /sys/bus/pci/devices/0000:01:00.1/physfn/net: no such file',
      'pf-counted',
    ],
    [
      'a pool was left out',
      'unable to get SelectorObj: json: cannot unmarshal string',
      'pool-dropped',
    ],
    ['nothing known', 'Started container main', undefined],
  ])('reads in a message that %s', (_what, message, id) => {
    expect(recognize(message)).toBe(id);
  });

  it('tells what shows it, the cause and the remedy', async () => {
    const [first] = await diagnosed({
      allocatable: { [resource]: '5' },
      registered: { [resource]: [...vfs, '0000:01:00.1'] },
    });
    expect(first?.shownBy).toBe('example.com/nics is 5 (0000:01:00.1), expected are 4');
    expect(first?.remedy).toMatch('rootDevices');
  });
});
