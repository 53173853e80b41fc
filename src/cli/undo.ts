import { Command } from 'commander';
import { undoRun } from '../engine/session.ts';
import { exitCodes } from '../errors.ts';
import { liveReporter } from '../report/live.ts';
import { assertRoot, openHost } from './host.ts';
import { secondsOf } from './seconds.ts';
import type { Streams } from './streams.ts';

/** `sriovctl undo`: the last run that changed this host, read backwards. */
export const undoCommand = (streams: Streams): Command =>
  new Command('undo')
    .summary('take the last run back')
    .description(
      'Bring back the state before the last run. After another boot only files, objects and kernel arguments can be taken back.',
    )
    .addHelpText('after', '\nExamples:\n  sriovctl undo\n')
    .option('--run <id>', 'this recorded run, instead of the last one')
    .option('--wait <seconds>', 'wait for a run under way to end', secondsOf)
    .action(async ({ run, wait }: { readonly run?: string; readonly wait?: number }) => {
      assertRoot(undefined);
      const undone = await undoRun(await openHost(undefined), liveReporter(streams.stderr, []), {
        ...(run !== undefined && { runId: run }),
        ...(wait !== undefined && { waitSeconds: wait }),
      });
      if (undone === undefined) {
        streams.stderr.write('Nothing to undo: no run is recorded.\n');
        return;
      }
      const { record, leftover } = undone;
      const complete = leftover.length === 0;
      streams.stderr.write(
        `The ${record.command} of ${record.startedAt} has been taken back${complete ? '' : ', but for:'}\n`,
      );
      for (const what of leftover) streams.stderr.write(`  ${what}\n`);
      streams.exitCode = exitCodes[complete ? 'ok' : 'rollbackIncomplete'].code;
    });
