import { describe, expect, it } from 'vitest';
import { failures, recognize } from '../../../src/kube/diagnose/catalogue.ts';
import { diagnose } from '../../../src/kube/diagnose/diagnose.ts';
import type { Evidence } from '../../../src/kube/diagnose/evidence.ts';
import { object, testNode } from '../test-cluster.ts';

const config = JSON.stringify({
  resourceList: [
    {
      resourcePrefix: 'example.com',
      resourceName: 'nics',
      selectors: [{ rootDevices: ['0000:01:00.0#0-3'] }],
    },
  ],
});

const devices = ['0000:02:10.0', '0000:02:10.4', '0000:02:11.0', '0000:02:11.4'];
const resource = 'example.com/nics';

const healthy: Evidence = {
  node: object({
    ...testNode('node1'),
    status: { capacity: { [resource]: '4' }, allocatable: { [resource]: '4' } },
  }),
  pods: [],
  waiting: [],
  events: [],
  daemonSets: [],
  networks: [],
  configMap: undefined,
  config,
  pluginPod: undefined,
  pluginLog: [],
  multusPod: undefined,
  multusLog: [],
  registered: new Map([[resource, { count: 4, devices }]]),
  expected: new Map([[resource, devices]]),
  cniFiles: ['00-multus.conf', '10-primary.conflist'],
  multusTokenExpires: undefined,
  ciliumConfig: undefined,
  now: Date.UTC(2026, 5),
};

const pod = (more: object = {}, metadata: object = {}) =>
  object({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default', ...metadata },
    ...more,
  });

const event = (message: string) =>
  object({ apiVersion: 'v1', kind: 'Event', metadata: { name: 'e' }, message });

const configWith = (change: object): string => {
  const [pool] = (JSON.parse(config) as { resourceList: object[] }).resourceList;
  return JSON.stringify({ resourceList: [{ ...pool, ...change }] });
};

const ended = (exitCode: number, reason = 'Completed') =>
  pod({
    status: { containerStatuses: [{ name: 'c', lastState: { terminated: { exitCode, reason } } }] },
  });

const plugin = (name: string, hostNetwork: boolean) =>
  object({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace: 'default' },
    spec: {
      template: {
        spec: { hostNetwork, containers: [{ image: 'x/sriov-network-device-plugin:v3' }] },
      },
    },
  });

const podOf = (name: string) =>
  pod({}, { name: `${name}-1`, ownerReferences: [{ kind: 'DaemonSet', name }] });

const fieldsV1 = { 'f:data': { 'f:node1': {} } };
const changedLate = object({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: 'sriovdp-config',
    managedFields: [
      { manager: 'sriovctl-node1', operation: 'Apply', fieldsV1, time: '2026-02-01T00:00:00Z' },
    ],
  },
});

const asking = { annotations: { 'k8s.v1.cni.cncf.io/networks': 'net' } };

/** One recorded state for each row of the catalogue, in its order. */
const rows: readonly (readonly [number, keyof typeof failures, Partial<Evidence>])[] = [
  [
    1,
    'pf-counted',
    { registered: new Map([[resource, { count: 5, devices: [...devices, '0000:01:00.1'] }]]) },
  ],
  [2, 'resource-absent', { registered: new Map() }],
  [3, 'count-low', { registered: new Map([[resource, { count: 3 }]]) }],
  [
    4,
    'config-unread',
    { configMap: changedLate, pluginPod: pod({}, { creationTimestamp: '2026-01-01T00:00:00Z' }) },
  ],
  [5, 'plugin-ended', { pluginPod: ended(0) }],
  [6, 'plugin-fatal', { pluginPod: ended(255, 'Error') }],
  [
    7,
    'pool-dropped',
    { config: configWith({ selectors: [{ vendors: '8086' }] }), expected: undefined },
  ],
  [8, 'no-host-network', { daemonSets: [plugin('dp', false)], pods: [podOf('dp')] }],
  [
    9,
    'not-registered',
    { pluginLog: ['E1 server.go] plugin example.com/nics failed to be registered at Kubelet'] },
  ],
  [10, 'plugin-away', { registered: new Map([[resource, { count: 0 }]]) }],
  [
    11,
    'stale-resource',
    {
      node: object({
        ...testNode('node1'),
        status: { capacity: { [resource]: '4', 'example.com/old': '0' } },
      }),
    },
  ],
  [
    12,
    'insufficient',
    { events: [event('0/3 nodes are available: 3 Insufficient example.com/nics.')] },
  ],
  [
    13,
    'unadmitted',
    { pods: [pod({ status: { phase: 'Failed', reason: 'UnexpectedAdmissionError' } })] },
  ],
  [
    14,
    'sriov-missing',
    { events: [event('failed to find plugin "sriov" in path [/opt/cni/bin]')] },
  ],
  [
    15,
    'cni-missing',
    { events: [event('failed to find plugin "host-local" in path [/opt/cni/bin]')] },
  ],
  [
    16,
    'no-device',
    { events: [event('SRIOV-CNI failed to load netconf: LoadConf(): VF pci addr is required')] },
  ],
  [
    17,
    'vf-unbound',
    { events: [event('the VF 0000:02:10.0 does not have a interface name or a dpdk driver')] },
  ],
  [18, 'vf-taken', { events: [event('pci address 0000:02:10.0 is already allocated')] }],
  [
    19,
    'vf-setting',
    { events: [event('failed to set vf 2 vlan configuration: operation not supported')] },
  ],
  [
    20,
    'network-missing',
    { events: [event('cannot find a network-attachment-definition (x) in namespace (y)')] },
  ],
  [
    21,
    'network-forbidden',
    { events: [event('namespace isolation enabled, annotation violates permission')] },
  ],
  [22, 'multus-inactive', { pods: [pod({ status: { phase: 'Running' } }, asking)] }],
  [23, 'cilium-exclusive', { cniFiles: ['00-multus.conf.cilium_bak', '05-cilium.conflist'] }],
  [24, 'multus-down', { multusPod: ended(137, 'OOMKilled') }],
  [25, 'multus-unauthorized', { multusTokenExpires: Date.UTC(2026, 1) / 1_000 }],
  [
    26,
    'multus-busy',
    {
      multusLog: ["cp: cannot create regular file '/host/opt/cni/bin/multus-shim': Text file busy"],
    },
  ],
  [
    27,
    'multus-no-primary',
    { multusLog: ['could not find a plugin configuration in /host/etc/cni/net.d'] },
  ],
  [
    28,
    'mount-private',
    { events: [event('path "/opt/cni/bin" is mounted on "/" but it is not a shared mount')] },
  ],
  [
    29,
    'netns-unseen',
    { events: [event('failed to open netns "/run/netns/x": unknown FS magic')] },
  ],
  [30, 'multus-race', { events: [event('stat /host/etc/cni/net.d/10-x.conflist: no such file')] }],
  [
    31,
    'cni-version',
    {
      networks: [
        object({
          apiVersion: 'k8s.cni.cncf.io/v1',
          kind: 'NetworkAttachmentDefinition',
          metadata: { name: 'n' },
          spec: { config: '{"type":"sriov"}' },
        }),
      ],
    },
  ],
  [
    32,
    'selinux-socket',
    {
      pluginLog: ['listen unix /var/lib/kubelet/plugins_registry/x.sock: bind: permission denied'],
    },
  ],
  [
    33,
    'vfio-group-moved',
    {
      events: [
        event(
          'error gathering device information while adding custom device "/dev/vfio/45": no such file or directory',
        ),
      ],
    },
  ],
  [
    34,
    'two-plugins',
    { daemonSets: [plugin('one', true), plugin('two', true)], pods: [podOf('one'), podOf('two')] },
  ],
  [
    35,
    'vfio-denied',
    {
      pods: [
        pod({
          spec: { containers: [{ resources: { requests: { 'example.com/nics_vfio': '1' } } }] },
        }),
      ],
    },
  ],
];

describe('a diagnosis', () => {
  it('finds nothing on a healthy node', () => {
    expect(diagnose(healthy)).toEqual([]);
  });

  it.each(rows)('finds row %i, %s, and nothing else', (_row, id, state) => {
    expect(diagnose({ ...healthy, ...state }).map((one) => one.id)).toEqual([id]);
  });

  it('knows each failure of the catalogue', () => {
    expect(rows.map(([row]) => row)).toEqual(Array.from({ length: 35 }, (_, at) => at + 1));
    expect(new Set(rows.map(([, id]) => id))).toEqual(new Set(Object.keys(failures)));
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

  it('tells what shows it, the cause and the remedy', () => {
    const [first] = diagnose({ ...healthy, registered: new Map([[resource, { count: 5 }]]) });
    expect(first?.shownBy).toBe('example.com/nics is 5, expected are 4');
    expect(first?.remedy).toMatch('rootDevices');
  });
});
