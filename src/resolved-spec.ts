import type { EswitchSettings, VfAttributes } from './host.ts';

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
  readonly iommu: 'auto' | 'on' | 'off';
  readonly boot?: BootOptions;
  /** Left out it is `boot-unit`, where the host can run it. */
  readonly persist?: PersistMechanism;
  readonly kube: KubeSpec;
}
