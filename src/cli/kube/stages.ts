import type { Command } from 'commander';
import { assertRoot } from '../host.ts';
import { chosenSteps, type StageFlags } from '../options.ts';
import { verbosityOf } from '../output.ts';
import { runStages, type WritingFlags } from '../run-stages.ts';
import type { Streams } from '../streams.ts';
import { verifyFormats, verifyStages } from '../verify-stages.ts';
import { clusterSteps, subcommand } from './subcommand.ts';
import { type KubeCommandFlags, openTarget, type Target, type TargetOptions } from './target.ts';

export const apply = (streams: Streams): Command =>
  addWritingFlags(subcommand('apply', 'apply the objects and wait until they work')).action(
    async (flags: WritingFlags) => {
      const target = await openForWriting(requiring(flags), streams);
      const steps = chosenSteps(clusterSteps, flags);
      streams.exitCode = await runStages({ command: 'setup', steps, ...target }, flags, streams);
    },
  );

export const teardown = (streams: Streams): Command =>
  addWritingFlags(subcommand('teardown', 'remove what was applied for this node')).action(
    async (flags: WritingFlags) => {
      const wanted = { vfsByDefault: 0, withoutPfs: true };
      const target = await openForWriting(flags, streams, wanted);
      const steps = chosenSteps(clusterSteps, flags).toReversed();
      streams.exitCode = await runStages({ command: 'teardown', steps, ...target }, flags, streams);
      if (target.spec.elsewhere && verbosityOf(flags) !== 'quiet') {
        const node = target.spec.kube.node ?? 'the node';
        streams.stderr.write(
          `What Multus and the CNI left in their folders on ${node} goes with \`sriovctl kube teardown\` there.\n`,
        );
      }
    },
  );

export const verify = (streams: Streams): Command =>
  subcommand('verify', 'say whether the cluster is as wanted', {
    formats: verifyFormats,
  }).action(async (flags: KubeCommandFlags) => {
    const target = await openTarget(requiring(flags), streams, { unreachable: 'cannotVerify' });
    const steps = chosenSteps(clusterSteps, flags);
    streams.exitCode = await verifyStages(
      { command: 'kube verify', steps, ...target },
      flags,
      streams,
    );
  });

const addWritingFlags = (command: Command): Command =>
  command
    .option('--dry-run', 'show every change, and make none')
    .option('--detailed-exitcode', 'with --dry-run: exit code 6 when changes are outstanding')
    .option('--force-conflicts', 'take over fields and objects that others manage')
    .option('--simulate-out <dir>', 'keep the tree that a simulated run ends with');

/** Who asks for the cluster alone does not want it left out because it cannot be reached. */
const requiring = <F extends StageFlags>(flags: F): F => ({ kube: true, ...flags });

/** On the node itself its files are read and written, too, and the run is recorded: that is for root. */
const openForWriting = async (
  flags: WritingFlags,
  streams: Streams,
  wanted?: TargetOptions,
): Promise<Target> => {
  const target = await openTarget(flags, streams, wanted);
  if (!target.spec.elsewhere) assertRoot(flags.simulate);
  return target;
};
