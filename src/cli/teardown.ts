import { Command } from 'commander';
import { steps } from '../steps/index.ts';
import { addPfFlags, addStageFlags, chosenSteps, type StageFlags } from './options.ts';
import { addOutputFlags } from './output.ts';
import { openRun, runStages, type WritingFlags } from './run-stages.ts';
import type { Streams } from './streams.ts';
import type { WantedOptions } from './wanted.ts';

/** `sriovctl teardown`: what `setup` made, taken out again in the opposite order. */
export const teardownCommand = (streams: Streams): Command =>
  addOutputFlags(addStageFlags(addPfFlags(new Command('teardown')), steps))
    .summary('remove the VFs and all that was installed for them')
    .description(
      'Return PFs to no VFs, and remove exactly what `setup` installed: for the PFs that are named, or for all whose VFs are made at each boot.',
    )
    .option('--dry-run', 'show every change, and make none')
    .option('--detailed-exitcode', 'with --dry-run: exit code 6 when changes are outstanding')
    .option('--force', 'go on although somebody uses a VF')
    .option('--simulate-out <dir>', 'keep the tree that a simulated run ends with')
    .addHelpText(
      'after',
      '\nExamples:\n  sriovctl teardown\n  sriovctl teardown --pf enp1s0f0\n  sriovctl teardown --only iommu',
    )
    .action(async (flags: WritingFlags) => {
      const opened = await openRun(flags, streams, wantedForTeardown(flags));
      const chosen = chosenSteps(steps, flags).toReversed();
      streams.exitCode = await runStages(
        { command: 'teardown', steps: chosen, ...opened },
        flags,
        streams,
      );
    });

/** A PF needs no count when it is to have none, stages without VFs need no PF, and a PF need not be there. */
export const wantedForTeardown = ({ only }: StageFlags): WantedOptions => ({
  vfsByDefault: 0,
  recorded: true,
  withoutPfs: only?.includes('vfs') !== true,
});
