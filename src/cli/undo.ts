import { Command } from 'commander';
import { undoRun } from '../engine/session.ts';
import { exitCodes } from '../errors.ts';
import { endDocument } from '../report/json.ts';
import { liveReporter } from '../report/live.ts';
import { assertRoot } from './host.ts';
import { permissionsOf } from './options.ts';
import { addOutputFlags, emit, type OutputFlags, verbosityOf } from './output.ts';
import { openTraced } from './run-stages.ts';
import { secondsOf } from './seconds.ts';
import type { Streams } from './streams.ts';
import { disarmTimer } from './try-timer.ts';

interface UndoFlags extends OutputFlags {
  readonly run?: string;
  readonly wait?: number;
  readonly force?: boolean;
}

type Undone = Awaited<ReturnType<typeof undoRun>>;

/** `sriovctl undo`: the last run that changed this host, read backwards. */
export const undoCommand = (streams: Streams): Command =>
  addOutputFlags(new Command('undo'))
    .summary('take the last run back')
    .description(
      'Bring back the state before the last run. After another boot only files, objects and kernel arguments can be taken back.',
    )
    .addHelpText('after', '\nExamples:\n  sriovctl undo\n  sriovctl undo --wait 5m -o json')
    .option('--run <id>', 'this recorded run, instead of the last one')
    .option('--wait <time>', 'wait for a run under way to end, as 90, 90s or 5m', secondsOf)
    .option('--force', 'go on although somebody uses a VF')
    .action(async ({ run, wait, force, ...flags }: UndoFlags) => {
      assertRoot(undefined);
      const verbosity = verbosityOf(flags);
      const undone = await undoRun(
        await openTraced(flags, streams),
        await liveReporter(streams.stderr, [], verbosity),
        {
          permissions: permissionsOf({ force: force === true }),
          ...(run !== undefined && { runId: run }),
          ...(wait !== undefined && { waitSeconds: wait }),
        },
      );
      // With --run it may be the timer of `try` itself that is at work.
      if (run === undefined) await disarmTimer();
      const leftover = undone?.leftover ?? [];
      const exit = leftover.length === 0 ? 'ok' : 'rollbackIncomplete';
      if (verbosity !== 'quiet' || exit !== 'ok') streams.stderr.write(undoText(undone));
      await emit(streams, flags, {
        document: endDocument({
          command: 'undo',
          exit,
          leftover,
          outcome:
            undone === undefined ? 'nothing-to-undo' : exit === 'ok' ? 'undone' : 'incomplete',
          ...(undone !== undefined && { run: undone.record.id }),
        }),
        texts: {},
      });
      streams.exitCode = exitCodes[exit].code;
    });

const undoText = (undone: Undone): string => {
  if (undone === undefined) return 'Nothing to undo: no run is recorded.\n';
  const { record, leftover } = undone;
  const but = leftover.length === 0 ? '' : ', but for:';
  return [
    `The ${record.command} of ${record.startedAt} has been taken back${but}`,
    ...leftover.map((what) => `  ${what}`),
    '',
  ].join('\n');
};
