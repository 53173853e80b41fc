/** The device plugin's configuration file (pkg/types and pkg/resources of v3.11.0). */
export interface PluginConfig {
  readonly resourceList: readonly PoolConfig[];
}

export interface PoolConfig {
  readonly resourceName: string;
  /** Always given: the plugin's own default is one vendor's name. */
  readonly resourcePrefix: string;
  readonly deviceType?: 'netDevice' | 'accelerator' | 'auxNetDevice';
  readonly excludeTopology?: boolean;
  readonly selectors: readonly SelectorConfig[];
  readonly additionalInfo?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** All keys must hold (AND), of a list one value (OR); an empty list counts as left out. */
export interface SelectorConfig {
  readonly vendors?: readonly string[];
  readonly devices?: readonly string[];
  readonly drivers?: readonly string[];
  readonly pciAddresses?: readonly string[];
  readonly acpiIndexes?: readonly string[];
  /** Netdev name of the PF, with `#` and VF indexes. */
  readonly pfNames?: readonly string[];
  /** PCI address of the PF, with `#` and VF indexes. */
  readonly rootDevices?: readonly string[];
  readonly linkTypes?: readonly string[];
  readonly ddpProfiles?: readonly string[];
  readonly pKeys?: readonly string[];
  readonly isRdma?: boolean;
  readonly needVhostNet?: boolean;
  readonly vdpaType?: 'vhost' | 'virtio';
  readonly auxTypes?: readonly string[];
}
