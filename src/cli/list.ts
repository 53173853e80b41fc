import { Command } from 'commander';
import { listJson } from '../report/json.ts';
import { pfsText } from '../report/pf-text.ts';
import { readInventory } from '../sysfs/inventory.ts';
import { openHost } from './host.ts';
import type { Streams } from './streams.ts';

/** `sriovctl list`: PFs and their VFs, from sysfs alone. */
export const listCommand = (streams: Streams): Command =>
  new Command('list')
    .summary('show PFs and their VFs')
    .description('Show the SR-IOV network cards of this host and their Virtual Functions.')
    .option('--simulate <dir>', 'look at a captured host tree instead of this host')
    .option('--json', 'print the result as JSON')
    .action(async (flags: { readonly simulate?: string; readonly json?: boolean }) => {
      const pfs = await readInventory(openHost(flags.simulate).fs);
      streams.stdout.write(flags.json === true ? listJson(pfs) : pfsText(pfs));
    });
