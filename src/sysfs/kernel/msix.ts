import { pciAttribute } from '../paths.ts';
import { readLinkName, readNumber } from '../read.ts';
import { Errno, type Kernel } from './kernel.ts';

/** What most drivers give each VF where nobody asks for another number. */
const usualCount = 10;

/**
 * A write to sriov_vf_msix_count: the checks and their order are sriov_vf_msix_count_store's
 * (drivers/pci/iov.c). Only a PF with a pool of vectors has a driver that can do it (mlx5_core, ice).
 */
export const storeMsixCount = async (kernel: Kernel, vf: string, value: string): Promise<void> => {
  const { fs, msixCounts } = kernel;
  if (!/^\d+\n?$/.test(value)) throw new Errno('EINVAL');
  const pf = (await readLinkName(fs, pciAttribute(vf, 'physfn'))) ?? '';
  const pool = (await readNumber(fs, pciAttribute(pf, 'sriov_vf_total_msix'))) ?? 0;
  if (pool === 0) throw new Errno('EOPNOTSUPP');
  if ((await readLinkName(fs, pciAttribute(vf, 'driver'))) !== undefined) throw new Errno('EBUSY');
  const count = Number(value);
  if (count > pool) throw new Errno('EINVAL');
  if (count === 0) msixCounts.delete(vf);
  else msixCounts.set(vf, count);
};

/** The vectors of a VF that was made or set here; of others the host below knows. */
export const msixCountOf = (
  { msixCounts, newVfs }: Pick<Kernel, 'msixCounts' | 'newVfs'>,
  address: string,
): number | undefined => msixCounts.get(address) ?? (newVfs.has(address) ? usualCount : undefined);
