import { Command } from 'commander';
import { exitCodes } from '../errors.ts';
import { steps } from '../steps/index.ts';
import { askFlags, mayAsk } from './ask.ts';
import { addPfFlags, addStageFlags, chosenSteps } from './options.ts';
import { addOutputFlags } from './output.ts';
import { assertRebootable, type RebootFlags, rebootAndContinue } from './reboot.ts';
import { openRun, openTraced, runStages } from './run-stages.ts';
import type { Streams } from './streams.ts';

const examples = `
Examples:
  sriovctl setup --pf enp1s0f0 --vfs 4
  sriovctl setup --pf enp1s0f0 --vfs 4 --dry-run
  sriovctl setup --pf enp1s0f0 --vfs 4 --pf 0000:01:00.1 --vfs 2 --no-kube
  sriovctl setup --config node.yaml -o json`;

/** `sriovctl setup`: every stage in order, rehearsed before the first write. */
export const setupCommand = (streams: Streams): Command =>
  addOutputFlags(addStageFlags(addPfFlags(new Command('setup')), steps))
    .summary('make VFs and hand them to Kubernetes')
    .description(
      'Bring this host from a bare SR-IOV card to pods with their own Virtual Functions.',
    )
    .option('--dry-run', 'show every change, and make none')
    .option('--detailed-exitcode', 'with --dry-run: exit code 6 when changes are outstanding')
    .option('--recreate', 'allow another number of VFs: removes those that exist first')
    .option('--force', 'go on although somebody uses what will be removed')
    .option('--force-conflicts', 'take over fields and objects that others manage')
    .option('--reboot', 'restart this host where that is needed, and go on by itself after it')
    .option('--simulate-out <dir>', 'keep the tree that a simulated run ends with')
    .addHelpText('after', examples)
    .action(async (given: RebootFlags, command: Command) => {
      const flags: RebootFlags = mayAsk(command, streams)
        ? await askFlags(await openTraced(given, streams), given, streams)
        : given;
      const opened = await openRun(flags, streams);
      await assertRebootable(flags, opened.host);
      const stages = { command: 'setup', steps: chosenSteps(steps, flags), ...opened } as const;
      streams.exitCode = await runStages(stages, flags, streams);
      const needed = streams.exitCode === exitCodes.rebootRequired.code;
      if (needed && flags.reboot === true) await rebootAndContinue(flags, opened.host, streams);
    });
