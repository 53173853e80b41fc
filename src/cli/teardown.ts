import { Command } from 'commander';
import { steps } from '../steps/index.ts';
import { openHost } from './host.ts';
import { addPfFlags, addStageFlags, chosenSteps } from './options.ts';
import { runStages, type WritingFlags } from './run-stages.ts';
import type { Streams } from './streams.ts';
import { wantedSpec } from './wanted.ts';

/** `sriovctl teardown`: what `setup` made, taken out again in the opposite order. */
export const teardownCommand = (streams: Streams): Command =>
  addStageFlags(addPfFlags(new Command('teardown')), steps)
    .summary('remove the VFs and all that was installed for them')
    .description('Return PFs to no VFs, and remove exactly what `setup` installed.')
    .option('--dry-run', 'show every change, and make none')
    .option('--force', 'go on although somebody uses a VF')
    .option('--simulate-out <dir>', 'keep the tree that a simulated run ends with')
    .addHelpText(
      'after',
      '\nExamples:\n  sriovctl teardown --pf enp1s0f0\n  sriovctl teardown --only iommu',
    )
    .action(async (flags: WritingFlags) => {
      const spec = await wantedSpec(flags, openHost(flags.simulate), {
        vfsByDefault: 0,
        withoutPfs: flags.only?.includes('vfs') !== true,
      });
      const chosen = chosenSteps(steps, flags).toReversed();
      streams.exitCode = await runStages(
        { command: 'teardown', steps: chosen, spec },
        flags,
        streams,
      );
    });
