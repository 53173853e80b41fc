import { Command } from 'commander';
import { listDocument } from '../report/json.ts';
import { pfsText } from '../report/pf-text.ts';
import { readInventory } from '../sysfs/inventory.ts';
import { openHost } from './host.ts';
import { addOutputFlags, emit, type OutputFlags } from './output.ts';
import type { Streams } from './streams.ts';

interface ListFlags extends OutputFlags {
  readonly simulate?: string;
}

/** `sriovctl list`: PFs and their VFs, from sysfs alone. */
export const listCommand = (streams: Streams): Command =>
  addOutputFlags(new Command('list'))
    .summary('show PFs and their VFs')
    .description('Show the SR-IOV network cards of this host and their Virtual Functions.')
    .option('--simulate <dir>', 'look at a captured host tree instead of this host')
    .addHelpText('after', '\nExamples:\n  sriovctl list\n  sriovctl list -o json')
    .action(async (flags: ListFlags) => {
      const pfs = await readInventory(openHost(flags.simulate).fs);
      await emit(streams, flags, {
        document: listDocument(pfs),
        texts: { text: () => pfsText(pfs) },
      });
    });
