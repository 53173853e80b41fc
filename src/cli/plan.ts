import { Command } from 'commander';
import { rehearse } from '../engine/setup.ts';
import { exitCodes } from '../errors.ts';
import { planMarkdown } from '../report/markdown.ts';
import { outcomeText } from '../report/outcome-text.ts';
import { pfsText } from '../report/pf-text.ts';
import { planText } from '../report/plan-text.ts';
import { wrapped } from '../report/wrap.ts';
import { steps } from '../steps/index.ts';
import { addPfFlags, addStageFlags, chosenSteps } from './options.ts';
import { addOutputFlags, emit, verbosityOf } from './output.ts';
import { planDocumentOf } from './plan-document.ts';
import { exitReasonOf, openRun, runOf, type StageRun, type WritingFlags } from './run-stages.ts';
import { simulate } from './simulation.ts';
import type { Streams } from './streams.ts';
import { wantedForTeardown } from './teardown.ts';
import { writeResult } from './write-result.ts';

interface PlanFlags extends WritingFlags {
  readonly teardown?: boolean;
}

const examples = `
Examples:
  sriovctl plan --pf enp1s0f0 --vfs 4
  sriovctl plan --config node.yaml --out plan.json && sriovctl apply plan.json
  sriovctl plan --config node.yaml -o markdown --detailed-exitcode`;

/** `sriovctl plan`: a dry run that can be kept, reviewed and applied later. */
export const planCommand = (streams: Streams): Command =>
  addOutputFlags(addStageFlags(addPfFlags(new Command('plan')), steps), {
    formats: ['markdown'],
    out: 'keep the plan in a file, for `sriovctl apply`',
  })
    .summary('show every change, and keep the plan for later')
    .description('Show what `setup` would change; with --out, keep it for review and `apply`.')
    .option('--teardown', 'plan a teardown instead of a setup')
    .option('--detailed-exitcode', 'exit code 6 when changes are outstanding')
    .option('--recreate', 'allow another number of VFs: removes those that exist first')
    .option('--force', 'go on although somebody uses what will be removed')
    .option('--force-conflicts', 'take over fields and objects that others manage')
    .addHelpText('after', examples)
    .action(async (flags: PlanFlags) => {
      const teardown = flags.teardown === true;
      const opened = await openRun(flags, streams, teardown ? wantedForTeardown(flags) : {});
      const chosen = chosenSteps(steps, flags);
      const stages: StageRun = {
        command: teardown ? 'teardown' : 'setup',
        steps: teardown ? chosen.toReversed() : chosen,
        ...opened,
      };
      const rehearsed = await rehearse(runOf(stages, flags), simulate);
      const exit = exitReasonOf(rehearsed.result, flags.detailedExitcode);
      const plan = await planDocumentOf(stages, flags, rehearsed, exit);
      const { out, ...shown } = flags;
      if (out !== undefined) writeResult(out, `${JSON.stringify(plan, undefined, 2)}\n`);
      await emit(streams, shown, {
        document: { ...plan },
        texts: {
          text: () =>
            exit === 'refused'
              ? planText(plan.steps)
              : `${planText(plan.steps)}\n${pfsText(plan.pfs, { predicted: true })}`,
          markdown: () => planMarkdown(plan),
        },
      });
      if (verbosityOf(flags) !== 'quiet' || exit === 'refused') {
        const { stderr } = streams;
        if (out !== undefined)
          stderr.write(`The plan is kept: \`sriovctl apply ${out}\` makes it real.\n`);
        stderr.write(wrapped(outcomeText(rehearsed.result, { predicted: true }), stderr.columns));
      }
      streams.exitCode = exitCodes[exit].code;
    });
