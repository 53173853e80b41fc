import type { Command, CommandResult } from './host.ts';

/** Every way a run can end, with its exit code: the one table that docs and tests derive from. */
export const exitCodes = {
  ok: { code: 0, meaning: 'everything is as wanted' },
  failed: { code: 1, meaning: 'failed and rolled back, or `verify` found drift' },
  usage: { code: 2, meaning: 'the words are wrong whatever the host (syntax, spec errors)' },
  rebootRequired: { code: 3, meaning: 'a reboot is needed; run the same command again after it' },
  refused: { code: 4, meaning: 'this host says no; nothing was changed' },
  rollbackIncomplete: { code: 5, meaning: 'failed, and the rollback is incomplete' },
  outstanding: { code: 6, meaning: 'changes are outstanding (`--detailed-exitcode`)' },
  cannotVerify: { code: 7, meaning: '`verify` could not look' },
  interrupted: { code: 130, meaning: 'interrupted; what was done has been rolled back' },
} as const;

export type ExitReason = keyof typeof exitCodes;

/** An error a user can act on: what is, what to do, and a stable code to look it up by. */
export class SriovctlError extends Error {
  override readonly name = 'SriovctlError';
  /** Stable, for example `PF_NOT_FOUND`. */
  readonly code: string;
  readonly exit: ExitReason;
  readonly hint: string;

  constructor(
    code: string,
    problem: string,
    options: { readonly hint: string; readonly exit: ExitReason; readonly cause?: unknown },
  ) {
    super(problem, { cause: options.cause });
    this.code = code;
    this.exit = options.exit;
    this.hint = options.hint;
  }
}

/** A read, a write or a command that the host answered with an error; the errno is kept. */
export class HostError extends Error {
  override readonly name = 'HostError';
  /** Symbolic, for example `EBUSY`; `EXIT` for a command that ended with another code than 0. */
  readonly errno: string;
  /** The path, or the command line of a command. */
  readonly subject: string;
  /** What the kernel logged meanwhile, where somebody looked. */
  kernelLog: readonly string[] = [];
  /** All that a command said that failed. */
  output = '';

  constructor(errno: string, subject: string, detail: string, options?: { cause?: unknown }) {
    super(`${subject}: ${errno}${detail === '' ? '' : ` (${detail})`}`, options);
    this.errno = errno;
    this.subject = subject;
  }
}

/** A command line as a reader would type it, for messages only. */
export const commandLine = ({ argv }: Command): string =>
  argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(' ');

/** What a program that ran without success said at its end, as an error. */
export const commandFailed = (
  command: Command,
  { exitCode, stdout, stderr }: Extract<CommandResult, { ran: true }>,
): HostError => {
  const said = `${stdout}\n${stderr}`.trim();
  const end = said.split('\n').slice(-5).join('; ');
  const error = new HostError('EXIT', commandLine(command), `exit code ${exitCode}: ${end}`);
  error.output = said;
  return error;
};
