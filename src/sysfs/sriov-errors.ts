import type { Problem } from '../events.ts';

/**
 * What a failed write to sriov_numvfs means, by errno: the kernel's own checks (drivers/pci/iov.c)
 * and what the PF drivers are known to answer.
 */
const causes: Readonly<Record<string, { readonly cause: string; readonly hint: string }>> = {
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
    hint: 'Switch on "SR-IOV Support" and "Above 4G Decoding" in the firmware setup; then try pci=realloc. `dmesg` says which of the two it was.',
  },
  EPERM: {
    cause: 'the driver refuses: no MSI-X (pci=nomsi), or its own limit is lower',
    hint: 'See the end of `dmesg`; ixgbe counts macvlan offloads and traffic classes against its VFs.',
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

/** The problem behind an errno of a write to sriov_numvfs; `undefined` for one that is not known. */
export const explainNumvfsError = (
  errno: string,
  pf: string,
  count: string,
): Problem | undefined => {
  const known = causes[errno];
  return known === undefined
    ? undefined
    : {
        code: `NUMVFS_${errno}`,
        problem: `${pf}: writing ${count} to sriov_numvfs failed with ${errno}: ${known.cause}`,
        hint: known.hint,
      };
};
