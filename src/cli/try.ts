import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { readRecords } from '../engine/record.ts';
import { exitCodes, SriovctlError } from '../errors.ts';
import { endDocument } from '../report/json.ts';
import { steps } from '../steps/index.ts';
import { assertRoot } from './host.ts';
import { addPfFlags, addStageFlags, chosenSteps } from './options.ts';
import { addOutputFlags, emit, type OutputFlags, verbosityOf } from './output.ts';
import { openRun, runStages, type WritingFlags } from './run-stages.ts';
import { secondsOf } from './seconds.ts';
import type { Streams } from './streams.ts';
import { armTimer, disarmTimer } from './try-timer.ts';

interface TryFlags extends WritingFlags {
  readonly timeout: number;
}

/**
 * `sriovctl try`: a setup that is taken back unless it is confirmed. A transient timer of systemd
 * does that, so that it happens also when the session is cut off together with this process.
 */
export const tryCommand = (streams: Streams): Command =>
  addOutputFlags(addStageFlags(addPfFlags(new Command('try')), steps))
    .summary('set up, and take it back unless confirmed')
    .description(
      'Run setup; unless it is confirmed in time (Enter here, or `sriovctl confirm`), take it back, also when this session is cut off.',
    )
    .option(
      '--timeout <time>',
      'how long to wait for the confirmation, as 90, 90s or 5m',
      secondsOf,
      60,
    )
    .option('--recreate', 'allow another number of VFs: removes those that exist first')
    .option('--force', 'go on although somebody uses what will be removed')
    .addHelpText('after', '\nExamples:\n  sriovctl try --timeout 60s --pf enp1s0f0 --vfs 4')
    .action(async (flags: TryFlags) => {
      const opened = await openRun(flags, streams);
      const chosen = chosenSteps(steps, flags);
      const deadline = AbortSignal.timeout(flags.timeout * 1000);
      let armed: string | undefined;
      // A simulation ends with this process: there is nothing to take back.
      const guard = async (runId: string): Promise<void> => {
        if (opened.host.simulated) return;
        await armTimer(runId, flags.timeout);
        armed = runId;
      };
      const exitCode = await runStages(
        { command: 'setup', steps: chosen, ...opened, guard },
        flags,
        streams,
      );
      streams.exitCode =
        armed === undefined ? exitCode : await outcomeOf(armed, exitCode, deadline, streams);
    });

/** `sriovctl confirm`: keeps what `sriovctl try` made, from another session. */
export const confirmCommand = (streams: Streams): Command =>
  addOutputFlags(new Command('confirm'))
    .summary('keep what `try` made')
    .description('Keep what `sriovctl try` made: it is not taken back any more.')
    .addHelpText('after', '\nExamples:\n  sriovctl confirm')
    .action(async (flags: OutputFlags) => {
      assertRoot(undefined);
      if (await disarmTimer()) {
        if (verbosityOf(flags) !== 'quiet') {
          streams.stderr.write('Confirmed: the changes stay.\n');
        }
        await emit(streams, flags, {
          document: endDocument({
            command: 'confirm',
            exit: 'ok',
            outcome: 'confirmed',
            leftover: [],
          }),
          texts: {},
        });
        return;
      }
      throw new SriovctlError('NOTHING_TO_CONFIRM', 'no `sriovctl try` waits for a confirmation', {
        exit: 'refused',
        hint: 'It was confirmed already, or its time is over and it has been taken back.',
      });
    });

/** What is recorded and not taken back waits for a confirmation, even after a failure. */
const outcomeOf = async (
  runId: string,
  exitCode: number,
  deadline: AbortSignal,
  streams: Streams,
): Promise<number> => {
  const record = readRecords().find(({ id }) => id === runId);
  if (record === undefined || record.entries.length === 0) {
    await disarmTimer();
    return exitCode;
  }
  const standing: readonly number[] = [exitCodes.ok.code, exitCodes.rebootRequired.code];
  if (standing.includes(exitCode) && process.stdin.isTTY) {
    return (await confirmedHere(deadline, streams)) ? exitCode : exitCodes.failed.code;
  }
  streams.stderr.write('What was changed is taken back unless `sriovctl confirm` comes in time.\n');
  return exitCode;
};

const confirmedHere = async (deadline: AbortSignal, { stderr }: Streams): Promise<boolean> => {
  const prompt = createInterface({ input: process.stdin, output: stderr });
  try {
    await prompt.question('Press Enter to keep the changes: ', { signal: deadline });
    const kept = await disarmTimer();
    stderr.write(kept ? 'Kept.\n' : 'Too late: they are being taken back.\n');
    return kept;
  } catch {
    stderr.write('\nNot confirmed: they are being taken back.\n');
    return false;
  } finally {
    prompt.close();
  }
};
