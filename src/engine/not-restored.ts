/** Something of a host that is other after an undo than it was before the run. */
export interface NotRestored {
  /** In words, for the warning ahead of a run. */
  readonly what: string;
  readonly because: string;
  /** Whether it is lost when VFs are removed; what is left is merely not taken back. */
  readonly goesWithVfs: boolean;
  /** Where it shows below /sys, if it does. */
  readonly paths?: RegExp;
}

/** All that `undo` does not bring back. Whatever compares a host before and after leaves out this and no more. */
export const notRestored: readonly NotRestored[] = [
  {
    what: 'random MAC addresses of VFs',
    because: 'the driver of a VF makes up another one; those that were set come back',
    goesWithVfs: true,
    paths: /\/net\/[^/]+\/(?:address|addr_assign_type)$/,
  },
  {
    what: 'what was set on the netdevs of VFs: up, MTU, addresses, routes, another name',
    because: 'the netdev goes with its VF, and nobody keeps what it was',
    goesWithVfs: true,
    paths: /\/net\/[^/]+v\d+\/(?:flags|mtu|operstate|carrier|speed|duplex)$/,
  },
  {
    what: 'counts of MSI-X vectors of VFs',
    because: 'the kernel does not tell what was set (sriov_vf_msix_count is write-only)',
    goesWithVfs: true,
  },
  {
    what: 'guests, pods and programs that held a VF',
    because: 'they have lost it',
    goesWithVfs: true,
  },
  {
    what: 'interface indexes and IOMMU group numbers of VFs',
    because: 'the kernel counts on',
    goesWithVfs: true,
    paths: /\/(?:ifindex|iflink)$|\/net\/[^/]+\/uevent$|\/iommu_group$/,
  },
  {
    what: 'loaded modules',
    because: 'they stay loaded: others may use them meanwhile',
    goesWithVfs: false,
    paths: /^\/sys\/bus\/pci\/drivers\//,
  },
  {
    what: 'a PF that was set up',
    because: 'it stays up: others may use it meanwhile',
    goesWithVfs: false,
    paths: /\/net\/[^/]+\/(?:flags|operstate|carrier|speed|duplex)$/,
  },
  {
    what: 'addresses and routes of a PF whose driver was loaded anew',
    because: 'its netdev was another one meanwhile; the network configuration gives them back',
    goesWithVfs: false,
  },
];
