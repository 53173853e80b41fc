import { Command } from 'commander';
import { noJournal } from '../engine/journal.ts';
import { verify } from '../engine/verify.ts';
import { exitCodes } from '../errors.ts';
import { runJson } from '../report/json.ts';
import { verifyText } from '../report/verify-text.ts';
import { resolveSpec } from '../spec/node-spec.ts';
import { steps } from '../steps/index.ts';
import { readInventory } from '../sysfs/inventory.ts';
import { exitOf } from './exit.ts';
import { openHost } from './host.ts';
import { addPfFlags, addStageFlags, chosenSteps, type StageFlags } from './options.ts';
import type { Streams } from './streams.ts';
import { wantedSpec } from './wanted.ts';

/** `sriovctl verify`: reads only; every stage is looked at, and each failure says why. */
export const verifyCommand = (streams: Streams): Command =>
  addStageFlags(addPfFlags(new Command('verify')), steps)
    .summary('say whether the host is as wanted')
    .description('Look at everything that `setup` would make, and change nothing.')
    .addHelpText('after', '\nExamples:\n  sriovctl verify --pf enp1s0f0 --vfs 4\n')
    .action(async (flags: StageFlags) => {
      const host = openHost(flags.simulate);
      const spec = await resolveSpec(await wantedSpec(flags, host), host);
      const result = await verify({
        steps: chosenSteps(steps, flags),
        spec,
        host,
        direction: 'setup',
        permissions: new Set(),
        journal: noJournal,
        listener: () => undefined,
      });
      const exit = exitOf(result.outcome);
      if (flags.json === true) {
        const pfs = await readInventory(host.fs);
        const problems = result.steps.flatMap((step) => step.problems);
        streams.stdout.write(
          runJson({ command: 'verify', ...result, exit, predicted: false, pfs, problems }),
        );
      } else {
        streams.stdout.write(verifyText(result.steps));
      }
      streams.exitCode = exitCodes[exit].code;
    });
