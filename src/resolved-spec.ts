import type { EswitchSettings, HostPath, VfAttributes } from './host.ts';

/** What a user wants of a VF besides that it exists. */
export interface VfSettings extends VfAttributes {
  /** Of the VF's own netdev. */
  readonly mtu?: number;
  /** MSI-X vectors (sriov_vf_msix_count). */
  readonly msix?: number;
  /** `vfio-pci` or another driver by name; `kernel` is the one that the kernel would choose. */
  readonly driver?: string;
}

/** Settings of several VFs at once, by their indexes. */
export interface VfRangeSettings extends VfSettings {
  readonly vfs: readonly number[];
}

/** What a user wants of one PF, after the PF has been found on the host. */
export interface ResolvedPf {
  /** PCI address in full, for example 0000:01:00.0: the key of everything that follows. */
  readonly address: string;
  /** As the user gave it: netdev name, PCI address, altname or permanent MAC. */
  readonly selector: string;
  /** Number of Virtual Functions. */
  readonly vfs: number;
  /** Of the PF's own netdev. */
  readonly mtu?: number;
  readonly eswitch?: EswitchSettings;
  /** The driver of every VF that `settings` gives no other. */
  readonly driver?: string;
  /** `stable`: each VF gets a MAC of its own that is the same after every creation. */
  readonly macPolicy?: 'stable';
  /** The later of two settings of one VF counts. */
  readonly settings?: readonly VfRangeSettings[];
}

/** Settings of the Kubernetes stages; what is left out has its default in src/kube/defaults.ts. */
export interface KubeSpec {
  /** `auto` skips the stages when no cluster is reachable, `required` makes that an error. */
  readonly mode: 'auto' | 'required' | 'off';
  /** Where Multus, the CNI and the device plugin run. */
  readonly namespace: string;
  readonly resourcePrefix: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  /** This host's name in the cluster, where it is not the hostname. */
  readonly node?: string;
  /** Where networks and the sample workload live. */
  readonly networkNamespace?: string;
  /** One resource name for all VFs of a kind, instead of one for each PF. */
  readonly resourceName?: string;
  /** Instead of one pool for each PF and kind of driver; VFs in none of them are not offered. */
  readonly pools?: readonly PoolSpec[];
  /** A sample pod with a VF, as the last stage. */
  readonly workload?: boolean;
  /** Who hands VFs to pods: the device plugin, or a DRA driver that is there. */
  readonly allocation?: 'device-plugin' | 'dra';
  /** Where the DRA driver runs. */
  readonly draNamespace?: string;
  /** A daemon with a small shim, or a plugin alone. */
  readonly multus?: 'thick' | 'thin';
  /** The limit of the Multus daemon. */
  readonly multusMemory?: string;
  /** `false` starts no plain pod before and after Multus changes. */
  readonly canary?: boolean;
  /** Instead of one plain network for each pool. */
  readonly networks?: readonly NetworkSpec[];
  readonly images?: {
    readonly multus?: string;
    readonly sriovCni?: string;
    readonly devicePlugin?: string;
    readonly smoke?: string;
  };
  /** A mirror that stands for the images' own registries. */
  readonly registry?: string;
  readonly pullPolicy?: 'Always' | 'IfNotPresent' | 'Never';
  /** The nodes of the DaemonSets, instead of those that were set up. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly {
    readonly key?: string;
    readonly operator?: 'Exists' | 'Equal';
    readonly value?: string;
    readonly effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
  }[];
  readonly cni?: {
    readonly binDir?: string;
    readonly confDir?: string;
    readonly privileged?: boolean;
  };
}

/** VFs that are offered to pods under one resource name. */
export interface PoolSpec {
  readonly name: string;
  /** PFs as the spec names them, or by address; all of them if left out. */
  readonly pfs?: readonly string[];
  /** VF indexes such as `0-3,6`; all if left out. */
  readonly vfs?: string;
  /** Only VFs capable of RDMA, with their RDMA devices. */
  readonly rdma?: boolean;
  /** With /dev/vhost-net and /dev/net/tun, for virtio-user. */
  readonly vhostNet?: boolean;
  /** Says nothing of NUMA nodes to kubelet. */
  readonly excludeTopology?: boolean;
}

export type NetworkSpec = SriovNetworkSpec | BondNetworkSpec;

interface NamedNetwork {
  readonly name: string;
  readonly namespace?: string;
  readonly ipam?: IpamSpec;
}

/** A network of VFs: what the SR-IOV CNI sets through the PF for each pod; what is left out stays as it is. */
export interface SriovNetworkSpec extends NamedNetwork {
  readonly type?: 'sriov';
  /** The pool's name; may be left out where there is one pool only. */
  readonly pool?: string;
  readonly vlan?: number;
  readonly vlanQos?: number;
  readonly vlanProto?: '802.1q' | '802.1ad';
  readonly mac?: string;
  /** In Mbit/s; 0 is no limit. */
  readonly minTxRate?: number;
  readonly maxTxRate?: number;
  readonly spoofchk?: 'on' | 'off';
  readonly trust?: 'on' | 'off';
  readonly linkState?: 'auto' | 'enable' | 'disable';
  readonly logLevel?: 'panic' | 'error' | 'warning' | 'info' | 'debug';
  /** Chained after it: the `tuning` plugin. */
  readonly mtu?: number;
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly promisc?: boolean;
  readonly allmulti?: boolean;
  /** Chained after it: the `rdma` plugin, which moves the RDMA device along. */
  readonly rdma?: boolean;
}

/** Interfaces of a pod bonded within it, over networks of VFs that the pod names before. */
export interface BondNetworkSpec extends NamedNetwork {
  readonly type: 'bond';
  /** Names of the interfaces in the pod, for example net1 and net2. */
  readonly links: readonly string[];
  readonly mode?: 'active-backup' | 'balance-rr' | 'balance-xor' | '802.3ad';
  readonly miimon?: number;
}

interface Route {
  readonly dst: string;
  readonly gw?: string;
}

/** Who gives out addresses. */
export type IpamSpec =
  /** Knows of this node only: other nodes may give out the same addresses. */
  | {
      readonly type: 'host-local';
      readonly subnet: string;
      readonly rangeStart?: string;
      readonly rangeEnd?: string;
      readonly gateway?: string;
      readonly routes?: readonly Route[];
    }
  | {
      readonly type: 'static';
      readonly addresses: readonly { readonly address: string; readonly gateway?: string }[];
      readonly routes?: readonly Route[];
    }
  | {
      readonly type: 'whereabouts';
      readonly range: string;
      readonly rangeStart?: string;
      readonly rangeEnd?: string;
      readonly exclude?: readonly string[];
      readonly gateway?: string;
      readonly routes?: readonly Route[];
    }
  | { readonly type: 'dhcp' };

/**
 * What makes the VFs again after a boot. `boot-unit` is the default everywhere; `ignition`, `talos`,
 * `netplan` and `networkmanager` only write down what a human hands to these; `none` leaves it out.
 */
export const persistMechanisms = [
  'boot-unit',
  'rc-local',
  'networkd-link',
  'networkmanager',
  'netplan',
  'ignition',
  'talos',
  'none',
] as const;

export type PersistMechanism = (typeof persistMechanisms)[number];

/** How kernel arguments are put into the boot configuration, and which besides those that are needed. */
export interface BootOptions {
  /** Edit GRUB_CMDLINE_LINUX in /etc/default/grub instead of a file of our own beside it. */
  readonly grubFile?: boolean;
  /** Asked for by name, for example `pci=realloc`. */
  readonly kernelArgs?: readonly string[];
}

/** The wanted state of one node, with every PF found. */
export interface ResolvedSpec {
  readonly pfs: readonly ResolvedPf[];
  /** Addresses of PFs that were set up and whose card is gone; only a teardown is about them. */
  readonly gone?: readonly string[];
  readonly iommu: 'auto' | 'on' | 'off';
  readonly boot?: BootOptions;
  /** A folder or tarball with the source of a driver, which is built and loaded. */
  readonly driverSource?: HostPath;
  /** Left out it is `boot-unit`, where the host can run it. */
  readonly persist?: PersistMechanism;
  readonly kube: KubeSpec;
  /** It is of another node than this host, as declared: what this host has says nothing of it. */
  readonly elsewhere?: true;
}

/** The PFs that a run is about, also those whose card is gone; a teardown of none is one of all. */
export const namedPfs = ({
  pfs,
  gone = [],
}: Pick<ResolvedSpec, 'pfs' | 'gone'>): ReadonlySet<string> =>
  new Set([...pfs.map(({ address }) => address), ...gone]);
