/** What is known of a PCI driver beyond what sysfs says. */
export interface DriverFacts {
  /** Drives the VFs of a PF of this driver. */
  readonly vfDriver?: string;
  /** The driver lowers sriov_totalvfs to `vfs`; without the driver it reads `of`. */
  readonly most?: { readonly vfs: number; readonly of: number };
  /** Has no sriov_configure: a write to sriov_numvfs is ENOENT. */
  readonly withoutSriov?: true;
  /** What a PF whose netdev is down answers: an errno, or success without a VF. */
  readonly whileDown?: 'EINVAL' | 'no VFs';
  /** Errors of pci_enable_sriov are dropped: the write succeeds without a VF. */
  readonly ignoresFailure?: true;
  /** The driver makes no netdev. */
  readonly withoutNetdev?: true;
  /** The PF gives the VF its MAC, so that it counts as permanent. */
  readonly assignedMac?: true;
  /** Registers the netdev from a workqueue, so long after the bind. */
  readonly netdevAfterMs?: number;
}

/** Facts from the drivers' sources (drivers/net/ethernet, Linux 6.12); ids are modules.alias's business. */
const facts: Readonly<Record<string, DriverFacts>> = {
  igb: { vfDriver: 'igbvf', most: { vfs: 7, of: 8 } },
  ixgbe: { vfDriver: 'ixgbevf', most: { vfs: 63, of: 64 } },
  i40e: { vfDriver: 'iavf' },
  ice: { vfDriver: 'iavf' },
  iavf: { assignedMac: true, netdevAfterMs: 200 },
  idpf: { vfDriver: 'idpf' },
  fm10k: { vfDriver: 'fm10k' },
  mlx5_core: { vfDriver: 'mlx5_core' },
  mlx4_core: { withoutSriov: true },
  bnxt_en: { vfDriver: 'bnxt_en', whileDown: 'no VFs', ignoresFailure: true },
  bnx2x: { vfDriver: 'bnx2x', whileDown: 'EINVAL' },
  cxgb4: { vfDriver: 'cxgb4vf' },
  qede: { vfDriver: 'qede' },
  sfc: { vfDriver: 'sfc' },
  nfp: { vfDriver: 'nfp' },
  hns3: { vfDriver: 'hns3' },
  rvu_nicpf: { vfDriver: 'rvu_nicvf' },
  ena: { vfDriver: 'ena' },
  ionic: { vfDriver: 'ionic' },
  enic: { withoutSriov: true },
  nvme: { vfDriver: 'nvme', withoutNetdev: true },
  'pci-pf-stub': { withoutNetdev: true },
  'pci-stub': { withoutSriov: true, withoutNetdev: true },
  'vfio-pci': { withoutNetdev: true },
  uio_pci_generic: { withoutSriov: true, withoutNetdev: true },
};

export const driverFacts = (driver: string): DriverFacts => facts[driver] ?? {};

/** Drivers that a module registers under another name than its own. */
const driverNames: Readonly<Record<string, string>> = {
  vfio_pci: 'vfio-pci',
  pci_stub: 'pci-stub',
  pci_pf_stub: 'pci-pf-stub',
  uio_pci_generic: 'uio_pci_generic',
};

/** The PCI driver of a module that modules.alias knows as one, or of one that takes any device. */
export const driverOfModule = (module: string, drivesPci: boolean): string | undefined =>
  driverNames[module] ?? (drivesPci ? module : undefined);
