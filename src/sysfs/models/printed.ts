import type { CommandResult } from '../../host.ts';

/** A program's successful end. */
export const printed = (stdout: string): CommandResult => ({
  ran: true,
  exitCode: 0,
  stdout,
  stderr: '',
});

/** A program's end with a message. */
export const complained = (stderr: string, exitCode = 1): CommandResult => ({
  ran: true,
  exitCode,
  stdout: '',
  stderr: `${stderr}\n`,
});
