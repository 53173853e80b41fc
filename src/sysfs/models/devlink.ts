import { eswitchOf } from '../kernel/eswitch.ts';
import { normalizePciAddress } from '../pci-address.ts';
import type { QueryModel } from './command-models.ts';
import { printed } from './printed.ts';

/** `devlink -j dev eswitch show pci/ADDRESS` (iproute2). */
export const devlinkModel: QueryModel = async ({ argv }, kernel, base) => {
  const [object, command, verb, handle = ''] = argv.slice(1).filter((word) => word !== '-j');
  const address = normalizePciAddress(handle.replace(/^pci\//, ''));
  const known = object === 'dev' && command === 'eswitch' && verb === 'show';
  if (!known || address === undefined || !argv.includes('-j')) return undefined;
  const found = await eswitchOf(kernel, address, base);
  if (found === undefined) {
    const stderr = 'kernel answers: No such device\n';
    return { ran: true, exitCode: 1, stdout: '{"dev":{}}\n', stderr };
  }
  const { mode, inlineMode, encapMode } = found;
  const shown = { mode, 'inline-mode': inlineMode, 'encap-mode': encapMode };
  return printed(`${JSON.stringify({ dev: { [`pci/${address}`]: shown } })}\n`);
};
