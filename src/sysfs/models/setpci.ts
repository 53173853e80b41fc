import { msixCountOf } from '../kernel/msix.ts';
import { normalizePciAddress } from '../pci-address.ts';
import type { QueryModel } from './command-models.ts';
import { printed } from './printed.ts';

/** `setpci -s ADDRESS CAP_MSIX+2.w`: the Message Control register, of a VF that the kernel here knows. */
export const setpciModel: QueryModel = async ({ argv }, kernel) => {
  const [option, slot = '', register] = argv.slice(1);
  const address = normalizePciAddress(slot);
  if (option !== '-s' || register !== 'CAP_MSIX+2.w' || address === undefined) return undefined;
  const count = msixCountOf(kernel, address);
  return count === undefined
    ? undefined
    : printed(`${(count - 1).toString(16).padStart(4, '0')}\n`);
};
