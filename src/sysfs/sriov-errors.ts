import type { HostError } from '../errors.ts';
import type { Problem } from '../events.ts';
import { type Cause, causes } from './sriov-causes.ts';

/** A line of the kernel's log that tells why VFs could not be made or removed. */
interface KnownLine {
  readonly pattern: RegExp;
  /** Left out where the line comes with several. */
  readonly errno?: string;
  readonly code: string;
  /** Said instead of the line itself. */
  readonly cause?: (match: RegExpExecArray) => string;
  readonly hint: string;
}

/**
 * What the PCI core (drivers/pci/iov.c), vfio and the PF drivers log, Linux 6.12. Hints are those of
 * the foretold failures.
 */
const knownLines: readonly KnownLine[] = [
  {
    pattern: /not enough MMIO resources for SR-IOV|SR-IOV: IOV BARS not allocated/,
    errno: 'ENOMEM',
    ...causes.noMmioSpace,
    cause: () => 'the VF BARs have no memory space',
  },
  {
    pattern: /can't enable \d+ VFs \(bus ([0-9a-f]+) out of range of \[bus ([0-9a-f-]+)\]\)/,
    errno: 'ENOMEM',
    ...causes.noBusNumbers,
    cause: ([, bus = '', range = '']) =>
      `the last VF would be on bus ${bus}, the bridge above has bus ${range}`,
  },
  {
    pattern: /no driver bound to device; cannot configure SR-IOV/,
    errno: 'ENOENT',
    ...causes.noPfDriver,
    cause: () => 'no driver is bound to the PF',
  },
  {
    pattern: /driver does not support SR-IOV configuration via sysfs/,
    errno: 'ENOENT',
    ...causes.driverWithoutSriov,
    cause: () => 'the PF’s driver makes no VFs through sysfs',
  },
  {
    pattern: /(\d+) VFs already enabled\. Disable before enabling/,
    errno: 'EBUSY',
    code: 'VFS_EXIST',
    cause: ([, count = '']) => `there are ${count} VFs already`,
    hint: 'Somebody else made them meanwhile. Use --recreate to remove them first.',
  },
  // i40e, ixgbe and igb count what else the card is to do.
  {
    pattern: /Unable to enable \d+ VFs\. Limited to (\d+) VFs due to device resource constraints/,
    code: 'DRIVER_LIMIT',
    cause: ([, most = '']) => `the card has resources for ${most} VFs`,
    hint: 'Ask for that many at most; other ports of the card share its resources.',
  },
  {
    pattern: /Only (\d+) MSI-X interrupts available for SR-IOV/,
    errno: 'ENOSPC',
    code: 'NO_INTERRUPTS',
    cause: ([, left = '']) => `the card has only ${left} interrupts left for VFs`,
    hint: 'Ask for fewer VFs, lower the PF’s queue count (ethtool -L), or unload irdma.',
  },
  {
    pattern: /Can start at most (\d+) VFs/,
    code: 'DRIVER_LIMIT',
    cause: ([, most = '']) => `the driver can start ${most} VFs at most`,
    hint: 'Ask for that many at most, or raise the limit in the card’s firmware.',
  },
  {
    pattern: /Reject SRIOV config request since if is down/,
    code: 'PF_DOWN',
    cause: () => 'the PF is down',
    hint: 'Set the PF up first; look at the end of `dmesg` for why it does not stay up.',
  },
  {
    pattern: /Requested VFs (\d+), can enable (\d+)/,
    code: 'DRIVER_LIMIT',
    cause: ([, , most = '']) => `the driver can make ${most} VFs`,
    hint: 'Ask for that many at most, or raise the limit in the card’s firmware.',
  },
  {
    pattern: /(\d+) VFs requested; only (\d+) enabled/,
    code: 'DRIVER_LIMIT',
    cause: ([, , most = '']) => `the driver made only ${most} VFs`,
    hint: 'Ask for that many at most, or raise the limit in the card’s firmware.',
  },
];

/** What vfio-pci logs while the removal of a VF waits for its user (vfio_pci_core_request, vfio_unregister_group_dev). */
const waitsForUser =
  /vfio-pci (\S+): (?:No device request channel registered, blocked until released by user|Relaying device request to user|Device is currently in use, task)/;

export interface NumvfsWrite {
  readonly address: string;
  /** How messages call the PF. */
  readonly pf: string;
  readonly value: string;
  /** Where the PF's VFs are or were, which is how vfio's lines name them. */
  readonly vfAddresses?: readonly string[];
}

/**
 * The problem behind a failed write to sriov_numvfs: by the lines that the kernel logged meanwhile,
 * else by the errno. `undefined` if neither is known.
 */
export const explainNumvfsError = (
  { errno, kernelLog }: Pick<HostError, 'errno' | 'kernelLog'>,
  write: NumvfsWrite,
): Problem | undefined => {
  const lines = linesOf(kernelLog, write.address);
  if (errno === 'ETIMEDOUT') return stuck(kernelLog, write);
  const failed = `${write.pf}: writing ${write.value} to sriov_numvfs failed with ${errno}`;
  const said = lines.length === 0 ? '' : ` (the kernel: ${quoted(lines)})`;
  const told = causeInLog(lines, errno);
  if (told !== undefined) {
    const { code, cause, hint } = told;
    return { code, problem: `${failed}: ${cause}${said}`, hint };
  }
  const known: Cause | undefined = causes.byErrno[errno];
  if (known !== undefined) {
    const problem = `${failed}: ${known.cause}${said}`;
    return { code: `NUMVFS_${errno}`, problem, hint: known.hint };
  }
  if (lines.length === 0) return undefined;
  const hint = 'The driver’s own words are the best clue; `dmesg` has all of them.';
  return { code: `NUMVFS_${errno}`, problem: `${failed}${said}`, hint };
};

/** Why there are other VFs than were asked for although the write succeeded, by the kernel's log. */
export const causeInLog = (
  lines: readonly string[],
  errno?: string,
): { readonly code: string; readonly cause: string; readonly hint: string } | undefined => {
  for (const line of lines.toReversed()) {
    for (const { pattern, errno: own, code, cause, hint } of knownLines) {
      const match = pattern.exec(line);
      if (match === null || (errno !== undefined && own !== undefined && own !== errno)) continue;
      return { code, cause: cause?.(match) ?? line, hint };
    }
  }
  return undefined;
};

/** The kernel finishes such a write whenever it can, also after this program has ended. */
const stuck = (log: readonly string[], { pf, value, vfAddresses = [] }: NumvfsWrite): Problem => {
  const held = new Set(
    log
      .flatMap((line) => waitsForUser.exec(line)?.[1] ?? [])
      .filter((vf) => vfAddresses.includes(vf)),
  );
  const doing =
    held.size > 0
      ? `the kernel waits until the user of ${[...held].join(', ')} lets it go (vfio)`
      : 'the kernel is still working on it';
  return {
    code: 'WRITE_STILL_RUNNING',
    problem: `${pf}: writing ${value} to sriov_numvfs has not ended: ${doing}`,
    hint:
      held.size > 0
        ? 'End that process or guest: the write ends by itself then. Until that, reading sriov_numvfs of this PF and writing that of any PF hangs. Run the command again afterwards.'
        : 'Nothing more is written to this PF. See `dmesg`; run the command again when the write has ended.',
  };
};

/** Lines that name the PF by its address, as dev_printk does. */
const linesOf = (log: readonly string[], address: string): readonly string[] =>
  log.filter((line) => line.includes(address));

const mostQuoted = 3;

const quoted = (lines: readonly string[]): string =>
  lines
    .slice(-mostQuoted)
    .map((line) => `"${line}"`)
    .join(', ');
