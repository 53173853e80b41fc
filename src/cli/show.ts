import { Command } from 'commander';
import { SriovctlError } from '../errors.ts';
import { documentSchema } from '../report/json.ts';
import { showText } from '../report/show-text.ts';
import { readInventory } from '../sysfs/inventory.ts';
import { readPfDetails } from '../sysfs/pf-details.ts';
import { rememberedView } from '../sysfs/remembered.ts';
import { isPfSelector, resolvePf } from '../sysfs/resolve-pf.ts';
import { addOutputFlags, emit, type OutputFlags } from './output.ts';
import { openTraced } from './run-stages.ts';
import type { Streams } from './streams.ts';

/** `sriovctl show`: one PF, with everything the host says of it. */
export const showCommand = (streams: Streams): Command =>
  addOutputFlags(
    new Command('show').argument('<pf>', 'netdev name, PCI address, altname or permanent MAC'),
  )
    .summary('show one PF with everything that is known of it')
    .description('Show one PF, its link, its SR-IOV capability and its VFs.')
    .option('--simulate <dir>', 'look at a captured host tree instead of this host')
    .addHelpText(
      'after',
      '\nExamples:\n  sriovctl show enp1s0f0\n  sriovctl show 0000:01:00.0 -o yaml',
    )
    .action(async (selector: string, flags: OutputFlags & { readonly simulate?: string }) => {
      const host = rememberedView(await openTraced(flags, streams));
      const address = isPfSelector(selector) ? await resolvePf(host, selector) : undefined;
      const pf = (await readInventory(host.fs)).find((one) => one.address === address);
      if (pf === undefined) throw notAPf(selector);
      const details = await readPfDetails(host, pf);
      await emit(streams, flags, {
        document: { schema: documentSchema, command: 'show', pf, details },
        texts: { text: () => showText(pf, details) },
      });
    });

const notAPf = (selector: string): SriovctlError =>
  new SriovctlError('PF_NOT_FOUND', `${JSON.stringify(selector)} is no network PF`, {
    exit: 'usage',
    hint: '`sriovctl list` shows the PFs of this host.',
  });
