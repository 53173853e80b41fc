import type { IDaemonSet } from 'kubernetes-models/apps/v1';
import type {
  IClusterRole,
  IClusterRoleBinding,
} from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import type { IConfigMap, IContainer, IServiceAccount } from 'kubernetes-models/v1';
import type { KubeObject } from '../../host.ts';
import type { KubeSettings } from '../defaults.ts';
import { daemonSet, hostPath, managedBy } from './daemon-set.ts';
import { nadCrd, nadGroup } from './multus-crd.ts';

export const multusDaemonSet = 'kube-multus-ds';
export const multusPodLabel = 'name=multus';

const serviceAccountName = 'multus';
const configMapName = 'multus-daemon-config';
const labels = { app: 'multus', ...managedBy };

/** Multus with what it may do, and the kind of networks that it brings. */
export const multusObjects = (settings: KubeSettings): readonly KubeObject[] => [
  nadCrd,
  serviceAccount(settings),
  clusterRole,
  clusterRoleBinding(settings),
  ...(settings.multus.kind === 'thick'
    ? [configMap(settings), multusThick(settings)]
    : [multusThin(settings)]),
];

const serviceAccount = ({ namespace }: KubeSettings): IServiceAccount & KubeObject => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: serviceAccountName, namespace, labels },
});

const clusterRole: IClusterRole & KubeObject = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'multus', labels },
  rules: [
    { apiGroups: [nadGroup], resources: ['*'], verbs: ['get', 'list', 'watch'] },
    {
      apiGroups: [''],
      resources: ['pods', 'pods/status'],
      verbs: ['get', 'list', 'update', 'watch'],
    },
    {
      apiGroups: ['', 'events.k8s.io'],
      resources: ['events'],
      verbs: ['create', 'patch', 'update'],
    },
  ],
};

const clusterRoleBinding = ({ namespace }: KubeSettings): IClusterRoleBinding & KubeObject => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'multus', labels },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'multus' },
  subjects: [{ kind: 'ServiceAccount', name: serviceAccountName, namespace }],
});

/** The daemon works in the host's root, so that the paths it hands to plugins are the host's. */
const configMap = ({ namespace }: KubeSettings): IConfigMap & KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: configMapName, namespace, labels },
  data: {
    'daemon-config.json': JSON.stringify({
      chrootDir: '/hostroot',
      cniVersion: '0.3.1',
      logLevel: 'verbose',
      logToStderr: true,
      cniConfigDir: '/host/etc/cni/net.d',
      multusAutoconfigDir: '/host/etc/cni/net.d',
      multusConfigFile: 'auto',
      socketDir: '/host/run/multus/',
    }),
  },
});

const fromHost = { mountPropagation: 'HostToContainer' } as const;

const resourcesOf = ({ multus: { memory } }: KubeSettings) => ({
  requests: { cpu: '100m', memory: '50Mi' },
  limits: { memory },
});

const always = {
  terminationMessagePolicy: 'FallbackToLogsOnError',
  securityContext: { privileged: true },
} as const;

/** Puts the binary onto the node, atomically: the one before may be running. */
const installer = (
  { images, pullPolicy }: KubeSettings,
  command: readonly string[],
): IContainer => ({
  name: 'install-multus-binary',
  image: images.multus,
  imagePullPolicy: pullPolicy,
  command: [...command],
  resources: { requests: { cpu: '10m', memory: '15Mi' } },
  volumeMounts: [
    { name: 'cnibin', mountPath: '/host/opt/cni/bin', mountPropagation: 'Bidirectional' },
  ],
  ...always,
});

const identity = {
  component: 'multus',
  name: multusDaemonSet,
  app: 'multus',
  podName: 'multus',
} as const;

/** A plugin alone, which asks the API server itself with a token from a file on the node. */
const multusThin = (settings: KubeSettings): IDaemonSet & KubeObject => {
  const { images, pullPolicy, cni } = settings;
  return daemonSet(settings, identity, {
    hostNetwork: true,
    serviceAccountName,
    terminationGracePeriodSeconds: 10,
    initContainers: [installer(settings, ['/install_multus', '--type', 'thin'])],
    containers: [
      {
        name: 'kube-multus',
        image: images.multus,
        imagePullPolicy: pullPolicy,
        command: ['/thin_entrypoint'],
        args: [
          '--multus-conf-file=auto',
          '--multus-autoconfig-dir=/host/etc/cni/net.d',
          '--cni-conf-dir=/host/etc/cni/net.d',
          `--multus-kubeconfig-file-host=${cni.confDir}/multus.d/multus.kubeconfig`,
          // Without it the token is never renewed, and what is written stays when Multus goes.
          '--cleanup-config-on-exit=true',
        ],
        resources: resourcesOf(settings),
        volumeMounts: [
          { name: 'cni', mountPath: '/host/etc/cni/net.d' },
          { name: 'cnibin', mountPath: '/host/opt/cni/bin' },
        ],
        ...always,
      },
    ],
    volumes: [hostPath('cni', cni.confDir), hostPath('cnibin', cni.binDir)],
  });
};

/** A daemon on each node, and a small shim that the runtime calls. */
const multusThick = (settings: KubeSettings): IDaemonSet & KubeObject => {
  const { images, pullPolicy, cni } = settings;
  return daemonSet(settings, identity, {
    hostNetwork: true,
    hostPID: true,
    serviceAccountName,
    terminationGracePeriodSeconds: 30,
    initContainers: [
      installer(settings, [
        '/usr/src/multus-cni/bin/install_multus',
        '-d',
        '/host/opt/cni/bin',
        '-t',
        'thick',
      ]),
    ],
    containers: [
      {
        name: 'kube-multus',
        image: images.multus,
        imagePullPolicy: pullPolicy,
        command: ['/usr/src/multus-cni/bin/multus-daemon'],
        env: [
          { name: 'MULTUS_NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
        ],
        resources: resourcesOf(settings),
        volumeMounts: [
          { name: 'cni', mountPath: '/host/etc/cni/net.d' },
          // The daemon runs plugins where the host has them: the same path inside and outside.
          { name: 'cnibin', mountPath: cni.binDir },
          { name: 'host-run', mountPath: '/host/run' },
          { name: 'host-var-lib-cni-multus', mountPath: '/var/lib/cni/multus' },
          { name: 'host-var-lib-kubelet', mountPath: '/var/lib/kubelet', ...fromHost },
          { name: 'host-run-k8s-cni-cncf-io', mountPath: '/run/k8s.cni.cncf.io' },
          { name: 'host-run-netns', mountPath: '/run/netns', ...fromHost },
          { name: 'multus-daemon-config', mountPath: '/etc/cni/net.d/multus.d', readOnly: true },
          { name: 'hostroot', mountPath: '/hostroot', ...fromHost },
          { name: 'multus-conf-dir', mountPath: '/etc/cni/multus/net.d' },
        ],
        ...always,
      },
    ],
    volumes: [
      hostPath('cni', cni.confDir),
      hostPath('cnibin', cni.binDir),
      hostPath('hostroot', '/'),
      hostPath('host-run', '/run'),
      hostPath('host-var-lib-cni-multus', '/var/lib/cni/multus'),
      hostPath('host-var-lib-kubelet', '/var/lib/kubelet'),
      hostPath('host-run-k8s-cni-cncf-io', '/run/k8s.cni.cncf.io'),
      hostPath('host-run-netns', '/run/netns/'),
      hostPath('multus-conf-dir', '/etc/cni/multus/net.d'),
      {
        name: 'multus-daemon-config',
        configMap: {
          name: configMapName,
          items: [{ key: 'daemon-config.json', path: 'daemon-config.json' }],
        },
      },
    ],
  });
};
