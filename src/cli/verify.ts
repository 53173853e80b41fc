import { Command } from 'commander';
import { verify } from '../engine/verify.ts';
import { exitCodes } from '../errors.ts';
import { githubText } from '../report/github.ts';
import { runDocument } from '../report/json.ts';
import { junitXml } from '../report/junit.ts';
import { verifyMarkdown } from '../report/markdown.ts';
import { sarifText } from '../report/sarif.ts';
import { tapText } from '../report/tap.ts';
import { verifyText } from '../report/verify-text.ts';
import { resolveSpec } from '../spec/node-spec.ts';
import { steps } from '../steps/index.ts';
import { rememberedView } from '../sysfs/remembered.ts';
import { version } from '../version.ts';
import { exitOf } from './exit.ts';
import { addPfFlags, addStageFlags, chosenSteps, type StageFlags } from './options.ts';
import { addOutputFlags, emit, type OutputFlags } from './output.ts';
import { openTraced, wantedPfs } from './run-stages.ts';
import type { Streams } from './streams.ts';
import { wantedSpec } from './wanted.ts';

const examples = `
Examples:
  sriovctl verify --pf enp1s0f0 --vfs 4
  sriovctl verify --config node.yaml -o junit --out verify.xml`;

/** `sriovctl verify`: reads only; every stage is looked at, and each failure says why. */
export const verifyCommand = (streams: Streams): Command =>
  addOutputFlags(addStageFlags(addPfFlags(new Command('verify')), steps), {
    formats: ['markdown', 'junit', 'github', 'tap', 'sarif'],
  })
    .summary('say whether the host is as wanted')
    .description('Look at everything that `setup` would make, and change nothing.')
    .addHelpText('after', examples)
    .action(async (flags: StageFlags & OutputFlags) => {
      const host = rememberedView(await openTraced(flags, streams));
      const spec = await resolveSpec(await wantedSpec(flags, host), host);
      const result = await verify({
        steps: chosenSteps(steps, flags),
        spec,
        host,
        listener: () => undefined,
      });
      const exit = exitOf(result.outcome);
      const pfs = await wantedPfs(host, spec);
      const problems = result.steps.flatMap((step) => step.problems);
      await emit(streams, flags, {
        document: runDocument({
          command: 'verify',
          ...result,
          exit,
          predicted: false,
          pfs,
          problems,
        }),
        texts: {
          text: () => verifyText(result.steps),
          markdown: () => verifyMarkdown(result.steps),
          junit: () => junitXml(result.steps),
          github: () => githubText(result.steps),
          tap: () => tapText(result.steps),
          sarif: () =>
            sarifText(result.steps, {
              version,
              specFile: flags.config ?? 'etc/sriovctl/node.yaml',
            }),
        },
      });
      streams.exitCode = exitCodes[exit].code;
    });
