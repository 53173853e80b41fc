import { Command } from 'commander';
import { hostname as hostnamePath } from '../sysfs/paths.ts';
import { listPfs } from '../sysfs/pci-device.ts';
import { readAttribute } from '../sysfs/read.ts';
import { openHost } from './host.ts';
import type { Streams } from './streams.ts';
import { writeNew } from './write-result.ts';

interface InitFlags {
  readonly simulate?: string;
  readonly out?: string;
  readonly schema: string;
}

/** `sriovctl init`: a commented spec file from what this host has. */
export const initCommand = (streams: Streams): Command =>
  new Command('init')
    .summary('write a commented spec file from what this host has')
    .description('Print a spec file with each PF of this host and the VFs it has now.')
    .option('--out <file>', 'write it to a new file instead of printing it')
    .option('--schema <where>', 'what editors read as the schema', './sriovctl.schema.json')
    .option('--simulate <dir>', 'look at a captured host tree instead of this host')
    .addHelpText(
      'after',
      '\nExamples:\n  sriovctl init --out /etc/sriovctl/node.yaml\n  sriovctl schema >sriovctl.schema.json',
    )
    .action(async ({ simulate, out, schema }: InitFlags) => {
      const { sampleSpec } = await import('../spec/sample-spec.ts');
      const { fs } = await openHost(simulate);
      const hostname = (await readAttribute(fs, hostnamePath)) ?? 'this host';
      const text = sampleSpec(await listPfs(fs), { hostname, schema });
      if (out === undefined) streams.stdout.write(text);
      else writeNew(out, text);
    });
