import { HostError } from '../errors.ts';
import type { Command, HostView } from '../host.ts';

/** The kernel's ring buffer, the oldest line first (dmesg(1)); journald keeps it where that is not to be had. */
export const dmesgCommand: Command = { argv: ['dmesg'], timeoutMs: 10_000 };
export const journalCommand: Command = {
  argv: ['journalctl', '-k', '-b', '-n', '2000', '--no-pager', '-o', 'short-monotonic'],
  timeoutMs: 10_000,
};

/**
 * All that the kernel has logged, with its time stamps; empty where nobody may or can tell. A log is
 * good for naming the cause of what has gone wrong, never for what a host can do.
 */
export const readKernelLog = async (query: HostView['query']): Promise<readonly string[]> => {
  for (const command of [dmesgCommand, journalCommand]) {
    try {
      const answer = await query(command);
      if (answer.ran && answer.exitCode === 0) return answer.stdout.trimEnd().split('\n');
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
    }
  }
  return [];
};

/** The lines of a log that came after it was read before, without their time stamps. */
export const newLines = (
  before: readonly string[],
  after: readonly string[],
): readonly string[] => {
  // Lines are told apart by their time stamps; old ones may have fallen out of the ring meanwhile.
  const mark = before.at(-1);
  const from = mark === undefined ? 0 : after.lastIndexOf(mark) + 1;
  return after.slice(from).map(messageOf);
};

/** The text of a line: `[   14.592386] nvme 0000:02:00.0: …`, with `[  T123]` where callers are shown. */
export const messageOf = (line: string): string =>
  line.replace(/^(?:<\d+>)?\[\s*\d+\.\d+\](?:\[\s*[TC]\d+\])?\s*(?:\S+ kernel: )?/, '');

/** Makes a write; an error of it gets what the kernel logged meanwhile. */
export const withKernelLog = async (
  query: HostView['query'],
  write: () => Promise<void>,
): Promise<void> => {
  const before = await readKernelLog(query);
  try {
    await write();
  } catch (error) {
    if (error instanceof HostError) {
      error.kernelLog = newLines(before, await readKernelLog(query));
    }
    throw error;
  }
};
