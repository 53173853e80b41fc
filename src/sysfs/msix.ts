import type { HostView } from '../host.ts';

/** Table Size of the Message Control register: the number of vectors less one (PCIe, 7.7.2.2). */
const tableSize = 0x7ff;

/**
 * How many MSI-X vectors a function has, from its configuration space: sriov_vf_msix_count can only be
 * written. `undefined` where setpci(8) cannot tell.
 */
export const readMsixCount = async (
  host: HostView,
  address: string,
): Promise<number | undefined> => {
  const answer = await host.query({ argv: ['setpci', '-s', address, 'CAP_MSIX+2.w'] });
  const control = answer.ran && answer.exitCode === 0 ? answer.stdout.trim() : '';
  return /^[0-9a-f]{4}$/i.test(control)
    ? (Number.parseInt(control, 16) & tableSize) + 1
    : undefined;
};
