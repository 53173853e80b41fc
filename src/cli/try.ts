import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { exitCodes, SriovctlError } from '../errors.ts';
import { endDocument } from '../report/json.ts';
import { steps } from '../steps/index.ts';
import { runCommand } from '../sysfs/linux-command.ts';
import { addPfFlags, addStageFlags, chosenSteps } from './options.ts';
import { addOutputFlags, emit, type OutputFlags, verbosityOf } from './output.ts';
import { openRun, runStages, type WritingFlags } from './run-stages.ts';
import { secondsOf } from './seconds.ts';
import type { Streams } from './streams.ts';

/** One at a time, like the runs themselves. */
const unit = 'sriovctl-try';

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
      const simulated = flags.simulate !== undefined;
      const opened = await openRun(flags, streams);
      const chosen = chosenSteps(steps, flags);
      let runId: string | undefined;
      const guard = async (id: string): Promise<void> => {
        runId = id;
        await armTimer(id, flags.timeout);
      };
      const exitCode = await runStages(
        { command: 'setup', steps: chosen, ...opened, ...(!simulated && { guard }) },
        flags,
        streams,
      );
      streams.exitCode =
        runId === undefined || exitCode !== exitCodes.ok.code
          ? exitCode
          : await awaitConfirmation(flags.timeout, streams);
      if (runId !== undefined && exitCode !== exitCodes.ok.code) await disarmTimer();
    });

/** `sriovctl confirm`: keeps what `sriovctl try` made, from another session. */
export const confirmCommand = (streams: Streams): Command =>
  addOutputFlags(new Command('confirm'))
    .summary('keep what `try` made')
    .description('Keep what `sriovctl try` made: it is not taken back any more.')
    .addHelpText('after', '\nExamples:\n  sriovctl confirm')
    .action(async (flags: OutputFlags) => {
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

/** Set before the first change: from here on the host comes back whatever happens to this process. */
const armTimer = async (runId: string, seconds: number): Promise<void> => {
  const program = process.argv[1];
  if (program === undefined) throw new TypeError('this program does not know its own path');
  const started = await runCommand({
    argv: [
      'systemd-run',
      `--unit=${unit}`,
      `--on-active=${seconds}`,
      '--timer-property=AccuracySec=100ms',
      '--collect',
      '--quiet',
      process.execPath,
      program,
      'undo',
      `--run=${runId}`,
      '--wait=600',
    ],
  });
  if (started.ran && started.exitCode === 0) return;
  const why = started.ran ? started.stderr.trim().replaceAll('\n', ' ') : started.because;
  throw new SriovctlError('NO_TIMER', `nothing would take the changes back: ${why}`, {
    exit: 'refused',
    hint: '`try` needs the timers of systemd; `sriovctl setup` works without. Nothing was changed.',
  });
};

/** @returns whether there was a timer that had not fired yet. */
const disarmTimer = async (): Promise<boolean> => {
  const stopped = await runCommand({ argv: ['systemctl', 'stop', `${unit}.timer`] });
  return stopped.ran && stopped.exitCode === 0;
};

const awaitConfirmation = async (seconds: number, { stderr }: Streams): Promise<number> => {
  const undoing = `The changes are taken back ${seconds} s after they began, unless confirmed`;
  if (!process.stdin.isTTY) {
    stderr.write(`${undoing} by \`sriovctl confirm\`.\n`);
    return exitCodes.ok.code;
  }
  const prompt = createInterface({ input: process.stdin, output: stderr });
  try {
    const signal = AbortSignal.timeout(seconds * 1000);
    await prompt.question(`${undoing}. Press Enter to keep them: `, { signal });
    const kept = await disarmTimer();
    stderr.write(kept ? 'Kept.\n' : 'Too late: they are being taken back.\n');
    return kept ? exitCodes.ok.code : exitCodes.failed.code;
  } catch {
    stderr.write('\nNot confirmed: they are being taken back.\n');
    return exitCodes.failed.code;
  } finally {
    prompt.close();
  }
};
