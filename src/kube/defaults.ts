import type { KubeSpec, NetworkSpec } from '../resolved-spec.ts';

/** Settings of the Kubernetes half with nothing left open. */
export interface KubeSettings {
  /** Where the components run. */
  readonly namespace: string;
  /** Where networks and the sample workload live: a pod finds a network in its own namespace. */
  readonly networkNamespace: string;
  readonly resourcePrefix: string;
  readonly images: Images;
  readonly pullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  /** Instead of the nodes that were set up. */
  readonly nodeSelector: Readonly<Record<string, string>> | undefined;
  readonly tolerations: readonly Toleration[];
  readonly cni: CniPaths;
  /** Left out, each pool has a plain one. */
  readonly networks: readonly NetworkSpec[] | undefined;
  /** SELinux denies the copy of the CNI binary to an unprivileged container. */
  readonly privilegedCni: boolean;
  readonly multus: MultusSettings;
  readonly allocation: 'device-plugin' | 'dra';
  readonly draNamespace: string;
}

export interface MultusSettings {
  /** A daemon with a small shim, or a plugin alone. */
  readonly kind: 'thick' | 'thin';
  readonly memory: string;
  /** Whether a plain pod is started before and after Multus changes. */
  readonly canary: boolean;
}

export interface Images {
  readonly multus: string;
  readonly sriovCni: string;
  readonly devicePlugin: string;
  readonly smoke: string;
}

export interface CniPaths {
  readonly binDir: string;
  readonly confDir: string;
}

export interface Toleration {
  readonly key?: string;
  readonly operator?: 'Exists' | 'Equal';
  readonly value?: string;
  readonly effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

export const defaultNetworkNamespace = 'default';

/** Releases, never moving tags: a restart must not bring another version to a node. */
const images: Images = {
  multus: 'ghcr.io/k8snetworkplumbingwg/multus-cni:v4.3.0',
  sriovCni: 'ghcr.io/k8snetworkplumbingwg/sriov-cni:v2.10.0',
  devicePlugin: 'ghcr.io/k8snetworkplumbingwg/sriov-network-device-plugin:v3.11.0',
  smoke: 'docker.io/library/busybox:1.37.0',
};

export type Component = 'multus' | 'sriov-cni' | 'device-plugin';

/**
 * Nodes that were set up carry one for each component, and the DaemonSets keep to them: Multus
 * changes the start of every pod of its node, and a device plugin without its key in the ConfigMap
 * ends at once.
 */
export const nodeLabel = (component: Component): string => `sriovctl/${component}`;

/** The nodes of a component's DaemonSet. */
export const nodeSelectorOf = (
  { nodeSelector }: Pick<KubeSettings, 'nodeSelector'>,
  component: Component,
): Readonly<Record<string, string>> => nodeSelector ?? { [nodeLabel(component)]: 'true' };

/** All images of an air-gapped site come from one mirror that keeps the paths. */
const imagesOf = ({ registry, images: given, multus = 'thick' }: KubeSpec): Images => {
  const mirrored = (image: string): string =>
    registry === undefined ? image : `${registry}/${image.slice(image.indexOf('/') + 1)}`;
  return {
    multus:
      given?.multus ?? mirrored(multus === 'thick' ? `${images.multus}-thick` : images.multus),
    sriovCni: given?.sriovCni ?? mirrored(images.sriovCni),
    devicePlugin: given?.devicePlugin ?? mirrored(images.devicePlugin),
    smoke: given?.smoke ?? mirrored(images.smoke),
  };
};

export const kubeSettings = (spec: KubeSpec): KubeSettings => ({
  namespace: spec.namespace,
  networkNamespace: spec.networkNamespace ?? defaultNetworkNamespace,
  resourcePrefix: spec.resourcePrefix,
  images: imagesOf(spec),
  pullPolicy: spec.pullPolicy ?? 'IfNotPresent',
  nodeSelector: spec.nodeSelector,
  tolerations: spec.tolerations ?? [{ operator: 'Exists' }],
  cni: {
    binDir: spec.cni?.binDir ?? '/opt/cni/bin',
    confDir: spec.cni?.confDir ?? '/etc/cni/net.d',
  },
  networks: spec.networks,
  privilegedCni: spec.cni?.privileged ?? false,
  multus: {
    kind: spec.multus ?? 'thick',
    // The upstream limit of 50Mi kills the daemon when a booting node starts all its pods.
    memory: spec.multusMemory ?? '400Mi',
    canary: spec.canary ?? true,
  },
  allocation: spec.allocation ?? 'device-plugin',
  draNamespace: spec.draNamespace ?? 'dra-driver-sriov',
});
