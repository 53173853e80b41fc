import { Command } from 'commander';
import { resolveSpec } from '../spec/resolve-spec.ts';
import { steps } from '../steps/index.ts';
import { rememberedView } from '../sysfs/remembered.ts';
import { addPfFlags, addStageFlags, chosenSteps, type StageFlags } from './options.ts';
import { addOutputFlags, type OutputFlags } from './output.ts';
import { openTraced } from './run-stages.ts';
import type { Streams } from './streams.ts';
import { verifyFormats, verifyStages } from './verify-stages.ts';
import { wantedSpec } from './wanted.ts';

const examples = `
Examples:
  sriovctl verify --pf enp1s0f0 --vfs 4
  sriovctl verify --config node.yaml -o junit --out verify.xml`;

/** `sriovctl verify`: reads only; every stage is looked at, and each failure says why. */
export const verifyCommand = (streams: Streams): Command =>
  addOutputFlags(addStageFlags(addPfFlags(new Command('verify')), steps), {
    formats: verifyFormats,
  })
    .summary('say whether the host is as wanted')
    .description('Look at everything that `setup` would make, and change nothing.')
    .addHelpText('after', examples)
    .action(async (flags: StageFlags & OutputFlags) => {
      const host = rememberedView(await openTraced(flags, streams));
      const spec = await resolveSpec(await wantedSpec(flags, host), host);
      const looked = { command: 'verify', steps: chosenSteps(steps, flags), host, spec };
      streams.exitCode = await verifyStages(looked, flags, streams);
    });
