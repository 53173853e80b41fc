/** Why VFs cannot be made, in words; the same whether it is foretold or has happened. */
export interface Cause {
  readonly cause: string;
  readonly hint: string;
}

/** Kernel arguments are the last resort: each does more than what it is for. */
const realloc =
  'if that does not help, set up with `--kernel-arg pci=realloc`, by which other devices may move as well.';
export const moreBuses =
  'Another slot may have bus numbers to spare; the last resort is `--kernel-arg pci=assign-busses`, which renumbers every bus: addresses and names change.';

const noMmioSpace = {
  code: 'NO_MMIO_SPACE',
  hint: `Switch on "SR-IOV Support" and "Above 4G Decoding" in the firmware setup; ${realloc}`,
} as const;

const noBusNumbers = {
  code: 'NO_BUS_NUMBERS',
  hint: `Ask for fewer VFs, or switch on "ARI forwarding" in the firmware setup. ${moreBuses}`,
} as const;

const noPfDriver = {
  code: 'NO_PF_DRIVER',
  hint: 'Bind the vendor’s driver (`sriovctl setup` without --only or --skip does so); pci-pf-stub is for PFs that have none.',
} as const;

const driverWithoutSriov = {
  code: 'DRIVER_WITHOUT_SRIOV',
  hint: 'Bind the vendor’s PF driver, in a version that can make VFs.',
} as const;

/** By errno: what the kernel's own checks (drivers/pci/iov.c) and the PF drivers are known to answer. */
const byErrno: Readonly<Record<string, Cause>> = {
  EBUSY: {
    cause: 'there are VFs already, in another number, or the driver is busy with a reset',
    hint: 'Use --recreate to remove the VFs first; every VF of the PF goes away then.',
  },
  ERANGE: {
    cause: 'the driver allows fewer VFs than that (sriov_totalvfs)',
    hint: 'Ask for fewer VFs, or raise the limit in the card’s firmware.',
  },
  ENOENT: {
    cause: 'no driver is bound to the PF, or its driver cannot make VFs through sysfs',
    hint: 'Bind the vendor’s PF driver. mlx4_core takes its number of VFs as the module parameter num_vfs.',
  },
  ENOMEM: {
    cause: 'there is not enough memory space, or there are not enough bus numbers for the VFs',
    hint: `\`dmesg\` says which of the two it was. Switch on "SR-IOV Support" and "Above 4G Decoding" in the firmware setup; ${realloc}`,
  },
  EPERM: {
    cause: 'the driver refuses: no MSI-X (pci=nomsi), or its own limit is lower',
    hint: 'See the end of `dmesg`; ixgbe counts macvlan offloads and traffic classes against its VFs.',
  },
  EINVAL: {
    cause: 'the driver refuses this number, or the PF is down',
    hint: 'See the end of `dmesg`: bnx2x wants its PF up, qede and nfp have limits of their own in the firmware.',
  },
  ENOSPC: {
    cause: 'the card has not enough interrupts or queues left',
    hint: 'Ask for fewer VFs, lower the PF’s queue count (ethtool -L), or unload irdma.',
  },
  EOPNOTSUPP: {
    cause:
      'the driver cannot do SR-IOV in its present state (ice: safe mode without its DDP package; cxgb4: no ARI)',
    hint: 'See the end of `dmesg`.',
  },
  EAGAIN: { cause: 'the driver is busy', hint: 'Run the command again.' },
  EIO: {
    cause: 'the card or its firmware failed',
    hint: 'See the end of `dmesg`; a firmware update or a power cycle may help.',
  },
  EROFS: {
    cause: '/sys is mounted read-only',
    hint: 'Run it on the host, or in a privileged container.',
  },
  EACCES: { cause: 'only root may write it', hint: 'Run it as root.' },
};

export const causes = {
  noMmioSpace,
  noBusNumbers,
  noPfDriver,
  driverWithoutSriov,
  byErrno,
} as const;
