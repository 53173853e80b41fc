import type { IConfigMap, IServiceAccount } from 'kubernetes-models/v1';
import type { KubeObject } from '../../host.ts';
import type { KubeSettings } from '../defaults.ts';
import type { ObjectRef } from '../object.ts';
import type { PluginConfig } from '../pools/plugin-config.ts';
import { daemonSet, hostPath, managedBy } from './daemon-set.ts';

export const devicePluginDaemonSet = 'kube-sriov-device-plugin';
export const devicePluginPodLabel = 'name=sriov-device-plugin';
export const devicePluginConfigMap = 'sriovdp-config';

/** Where each node has its configuration under its own name. */
export const configMapRef = ({ namespace }: Pick<KubeSettings, 'namespace'>): ObjectRef => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: devicePluginConfigMap,
  namespace,
});

const serviceAccountName = 'sriov-device-plugin';

/**
 * A node's own key of the shared ConfigMap. Map keys are owned one by one under server-side apply,
 * so nodes that are set up at once do not overwrite each other. There are no labels in it either:
 * they would be everybody's.
 */
export const nodeConfig = (
  { namespace }: KubeSettings,
  node: string,
  config: PluginConfig,
): IConfigMap & KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: devicePluginConfigMap, namespace },
  data: { [node]: JSON.stringify(config, undefined, 2) },
});

/** The plugin never calls the API server, so its account needs no token and no role. */
export const devicePluginObjects = (settings: KubeSettings): readonly KubeObject[] => [
  serviceAccount(settings),
  devicePlugin(settings),
];

const serviceAccount = ({ namespace }: KubeSettings): IServiceAccount & KubeObject => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: serviceAccountName, namespace, labels: { app: 'sriovdp', ...managedBy } },
  automountServiceAccountToken: false,
});

const kubeletPlugins = '/var/lib/kubelet/device-plugins';
const pluginRegistry = '/var/lib/kubelet/plugins_registry';
const deviceInfo = '/var/run/k8s.cni.cncf.io/devinfo/dp';

const devicePlugin = (settings: KubeSettings): KubeObject =>
  daemonSet(
    settings,
    {
      component: 'device-plugin',
      name: devicePluginDaemonSet,
      app: 'sriovdp',
      podName: 'sriov-device-plugin',
    },
    {
      // In a network namespace of its own it would see none of the netdevs, and drop every device.
      hostNetwork: true,
      serviceAccountName,
      automountServiceAccountToken: false,
      containers: [
        {
          name: 'kube-sriovdp',
          image: settings.images.devicePlugin,
          imagePullPolicy: settings.pullPolicy,
          args: ['--log-level=10', '--config-file=/etc/pcidp/$(NODE_NAME)'],
          env: [{ name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
          securityContext: { privileged: true, readOnlyRootFilesystem: true },
          resources: {
            requests: { cpu: '10m', memory: '50Mi' },
            limits: { memory: '200Mi' },
          },
          volumeMounts: [
            { name: 'devicesock', mountPath: kubeletPlugins },
            { name: 'plugins-registry', mountPath: pluginRegistry },
            { name: 'device-info', mountPath: deviceInfo },
            { name: 'config-volume', mountPath: '/etc/pcidp', readOnly: true },
          ],
        },
      ],
      volumes: [
        hostPath('devicesock', kubeletPlugins),
        hostPath('plugins-registry', pluginRegistry),
        hostPath('device-info', deviceInfo, 'DirectoryOrCreate'),
        { name: 'config-volume', configMap: { name: devicePluginConfigMap } },
      ],
    },
  );
