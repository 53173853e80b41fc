import type { CommandResult, HostView } from '../../../src/host.ts';
import type { LiveObject } from '../../../src/kube/object.ts';
import { checkpointPath } from '../../../src/kube/registered.ts';
import { i350, i350Vfs } from '../host-tree.ts';
import { object, testHost, testNode } from '../test-cluster.ts';

export const resource = 'example.com/nics';
export const vfs: readonly string[] = i350Vfs(4).map(({ address }) => address);

/** A node as it was recorded, with its cluster; what is left out is healthy. */
export interface Recorded {
  readonly capacity?: Readonly<Record<string, string>>;
  readonly allocatable?: Readonly<Record<string, string>>;
  /** By kubelet's own record. */
  readonly registered?: Readonly<Record<string, readonly string[]>>;
  readonly selectors?: readonly object[];
  /** When the node's key was last applied; the plugin's pod is of 2026-01-02. */
  readonly configured?: string;
  readonly pluginStatus?: object;
  readonly pluginLog?: string;
  readonly multusStatus?: object;
  readonly multusLog?: string;
  readonly hostNetwork?: boolean;
  /** Of a user's pod, which runs on the node with a VF. */
  readonly pod?: { readonly status?: object; readonly spec?: object; readonly metadata?: object };
  /** What an event about that pod says. */
  readonly event?: string;
  readonly network?: object;
  readonly objects?: readonly LiveObject[];
  /** More files on the node; their content. */
  readonly files?: Readonly<Record<`/${string}`, string>>;
}

export const daemonSet = (
  name: string,
  image: string,
  { hostNetwork = true }: { readonly hostNetwork?: boolean } = {},
): LiveObject =>
  object({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace: 'kube-system' },
    spec: { template: { spec: { hostNetwork, containers: [{ name: 'main', image }] } } },
  });

export const podOf = (name: string, label: string, status: object = {}): LiveObject =>
  object({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${name}-1`,
      namespace: 'kube-system',
      creationTimestamp: '2026-01-02T00:00:00Z',
      labels: { name: label },
      ownerReferences: [{ kind: 'DaemonSet', name }],
    },
    spec: { nodeName: 'node1' },
    status,
  });

const asks = { 'k8s.v1.cni.cncf.io/networks': 'net' };
const attached = { 'k8s.v1.cni.cncf.io/network-status': '[]' };

const clusterOf = (state: Recorded): readonly LiveObject[] => {
  const four = { [resource]: '4' };
  const { capacity = four, allocatable = four, configured = '2026-01-01T00:00:00Z' } = state;
  const selectors = state.selectors ?? [{ rootDevices: ['0000:01:00.0#0-3'] }];
  const pool = { resourcePrefix: 'example.com', resourceName: 'nics', selectors };
  const config = { name: 'net', cniVersion: '1.0.0', type: 'sriov' };
  return [
    object({ ...testNode('node1'), status: { capacity, allocatable } }),
    object({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: 'sriovdp-config',
        namespace: 'kube-system',
        managedFields: [
          {
            manager: 'sriovctl-node1',
            operation: 'Apply',
            fieldsV1: { 'f:data': { 'f:node1': {} } },
            time: configured,
          },
        ],
      },
      data: { node1: JSON.stringify({ resourceList: [pool] }) },
    }),
    daemonSet('dp', 'x/sriov-network-device-plugin:v3', {
      ...(state.hostNetwork !== undefined && { hostNetwork: state.hostNetwork }),
    }),
    podOf('dp', 'sriov-device-plugin', state.pluginStatus),
    daemonSet('multus', 'x/multus-cni:v4'),
    podOf('multus', 'multus', state.multusStatus),
    object({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'p',
        namespace: 'default',
        annotations: { ...asks, ...attached },
        ...state.pod?.metadata,
      },
      spec: { nodeName: 'node1', ...state.pod?.spec },
      status: { phase: 'Running', ...state.pod?.status },
    }),
    object({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'e', namespace: 'default' },
      involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
      message: state.event ?? 'Started container main',
      lastTimestamp: '2026-06-01T00:00:00Z',
    }),
    object({
      apiVersion: 'k8s.cni.cncf.io/v1',
      kind: 'NetworkAttachmentDefinition',
      metadata: { name: 'net', namespace: 'default' },
      spec: { config: JSON.stringify(state.network ?? config) },
    }),
    ...(state.objects ?? []),
  ];
};

export const recordedHost = (state: Recorded): HostView => {
  const tree = i350();
  const files = {
    [checkpointPath]: JSON.stringify({
      Data: { RegisteredDevices: state.registered ?? { [resource]: vfs } },
    }),
    '/etc/cni/net.d/00-multus.conf': '{"type":"multus-shim"}',
    '/etc/cni/net.d/10-primary.conflist': '{}',
    ...state.files,
  };
  for (const [path, text] of Object.entries(files)) tree.files.set(path, text);
  const host = testHost(tree, { objects: clusterOf(state) });
  const logs: Readonly<Record<string, string | undefined>> = {
    'dp-1': state.pluginLog,
    'multus-1': state.multusLog,
  };
  const said = (stdout: string): CommandResult => ({ ran: true, exitCode: 0, stdout, stderr: '' });
  return {
    fs: tree,
    query: (command) => {
      const at = command.argv.indexOf('logs');
      return at < 0
        ? host.query(command)
        : Promise.resolve(said(logs[command.argv[at + 1] ?? ''] ?? ''));
    },
  };
};
