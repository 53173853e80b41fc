import { tryUnit } from '../engine/session.ts';
import { SriovctlError } from '../errors.ts';
import { runCommand } from '../sysfs/linux-command.ts';
import { ownCommand } from './own-command.ts';

/** Set before the first change: from here on the host comes back whatever happens to this process. */
export const armTimer = async (runId: string, seconds: number): Promise<void> => {
  const started = await runCommand({
    argv: [
      'systemd-run',
      `--unit=${tryUnit}`,
      `--on-active=${seconds}`,
      '--timer-property=AccuracySec=100ms',
      '--collect',
      '--quiet',
      ...ownCommand(),
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
export const disarmTimer = async (): Promise<boolean> => {
  const stopped = await runCommand({ argv: ['systemctl', 'stop', `${tryUnit}.timer`] });
  return stopped.ran && stopped.exitCode === 0;
};
