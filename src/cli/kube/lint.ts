import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { exitCodes, SriovctlError } from '../../errors.ts';
import { lintPluginConfig } from '../../kube/lint/plugin-config.ts';
import { documentSchema } from '../../report/json.ts';
import { addOutputFlags, emit, type OutputFlags } from '../output.ts';
import type { Streams } from '../streams.ts';

export const lint = (streams: Streams): Command =>
  addOutputFlags(new Command('lint').argument('<file>', 'a configuration of the device plugin'))
    .summary('say what the device plugin would make of a configuration')
    .description(
      'Say what the device plugin would drop, ignore or end at in a configuration; nothing else tells.',
    )
    .addHelpText('after', '\nExamples:\n  sriovctl kube lint /etc/pcidp/config.json')
    .action(async (file: string, flags: OutputFlags) => {
      const findings = lintPluginConfig(readConfig(file));
      const lines = findings.map(({ problem, hint }) => `✖ ${problem}\n  ${hint}`);
      await emit(streams, flags, {
        document: { schema: documentSchema, command: 'kube lint', findings },
        texts: { text: () => (lines.length === 0 ? '' : `${lines.join('\n')}\n`) },
      });
      streams.exitCode = exitCodes[findings.length === 0 ? 'ok' : 'failed'].code;
    });

const readConfig = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new SriovctlError('CONFIG_UNREADABLE', `${file} cannot be read (${code})`, {
      exit: 'usage',
      hint: 'Name a configuration of the device plugin, as in `kube render`.',
      cause: error,
    });
  }
};
