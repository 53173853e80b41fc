import { Command } from 'commander';
import { hostname as hostnamePath } from '../sysfs/paths.ts';
import { listPfs } from '../sysfs/pci-device.ts';
import { readAttribute } from '../sysfs/read.ts';
import { openHost } from './host.ts';
import { addOutputFlags, type OutputFlags } from './output.ts';
import type { Streams } from './streams.ts';
import { writeNew } from './write-result.ts';

interface InitFlags extends OutputFlags {
  readonly simulate?: string;
  readonly schema: string;
}

/** `sriovctl init`: a commented spec file from what this host has. */
export const initCommand = (streams: Streams): Command =>
  addOutputFlags(new Command('init'), { out: 'write it to a new file instead of printing it' })
    .summary('write a commented spec file from what this host has')
    .description('Print a spec file with each PF of this host and the VFs it has now.')
    .option('--schema <where>', 'what editors read as the schema', './sriovctl.schema.json')
    .option('--simulate <dir>', 'look at a captured host tree instead of this host')
    .addHelpText(
      'after',
      '\nExamples:\n  sriovctl init --out /etc/sriovctl/node.yaml\n  sriovctl schema --out sriovctl.schema.json',
    )
    .action(async ({ simulate, out, schema, output = 'text' }: InitFlags) => {
      const { sampleSpec } = await import('../spec/sample-spec.ts');
      const { fs } = await openHost(simulate);
      const hostname = (await readAttribute(fs, hostnamePath)) ?? 'this host';
      const sample = sampleSpec(await listPfs(fs), { hostname, schema });
      const text = output === 'json' ? await asJson(sample) : sample;
      if (out === undefined) streams.stdout.write(text);
      else writeNew(out, text);
    });

const asJson = async (sample: string): Promise<string> => {
  const { yamlValue } = await import('../report/yaml-text.ts');
  return `${JSON.stringify(yamlValue(sample), undefined, 2)}\n`;
};
