import type { ChildProcess } from 'node:child_process';
import { commandFailed, commandLine, HostError } from '../errors.ts';
import type { Command, CommandResult } from '../host.ts';
import { errnoOf } from './errno.ts';

const defaultTimeoutMs = 60_000;

/** Messages in English, and the folders of system programs also for a user who has them not in PATH. */
const environment = (): Record<string, string> => ({
  LC_ALL: 'C',
  PATH: `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/local/sbin:/usr/sbin:/sbin`,
});

/**
 * Runs a program to its end or its deadline. A process that sleeps in the kernel does not die when
 * it is killed; it is left behind then, so that this program can still end.
 *
 * @throws HostError ETIMEDOUT at the deadline.
 */
export const runCommand = async (command: Command): Promise<CommandResult> => {
  // Loaded here, since what only reads files needs no part of it.
  const { execa } = await import('execa');
  const [program, ...args] = command.argv;
  // A session of its own, so that Ctrl-C on the terminal does not reach a write that goes on.
  const child = execa(program, args, {
    ...(command.stdin === undefined ? { stdin: 'ignore' as const } : { input: command.stdin }),
    env: environment(),
    detached: true,
    cleanup: false,
    reject: false,
    stripFinalNewline: false,
  });
  const timeoutMs = command.timeoutMs ?? defaultTimeoutMs;
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<'deadline'>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, 'deadline');
  });
  const result = await Promise.race([child, deadline]);
  clearTimeout(timer);
  if (result === 'deadline') {
    abandon(child);
    throw new HostError('ETIMEDOUT', commandLine(command), `no end after ${timeoutMs / 1000} s`);
  }
  if (result.exitCode === undefined) {
    return errnoOf(result.cause) === 'ENOENT'
      ? { ran: false, because: `${program} is not installed` }
      : { ran: false, because: result.shortMessage ?? `${program} ended without an exit code` };
  }
  return {
    ran: true,
    exitCode: result.exitCode,
    stdout: result.stdout,
    stderr: result.stderr,
  };
};

/** With all that it has started: a make that is killed alone leaves its compilers at work. */
const abandon = (
  child: Pick<ChildProcess, 'pid' | 'unref' | 'stdin' | 'stdout' | 'stderr'>,
): void => {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
};

/**
 * Runs a program that must succeed.
 *
 * @throws HostError ENOENT if it is not installed, EXIT with the end of its output if it failed.
 */
export const runToSuccess = async (command: Command): Promise<string> => {
  const result = await runCommand(command);
  if (!result.ran) throw new HostError('ENOENT', commandLine(command), result.because);
  if (result.exitCode !== 0) throw commandFailed(command, result);
  return result.stdout;
};
