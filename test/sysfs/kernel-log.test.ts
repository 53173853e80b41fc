import { describe, expect, test } from 'vitest';
import { HostError } from '../../src/errors.ts';
import type { CommandResult, HostView } from '../../src/host.ts';
import { messageOf, newLines, readKernelLog, withKernelLog } from '../../src/sysfs/kernel-log.ts';

const printed = (stdout: string): CommandResult => ({ ran: true, exitCode: 0, stdout, stderr: '' });
const refused: CommandResult = {
  ran: true,
  exitCode: 1,
  stdout: '',
  stderr: 'dmesg: read kernel buffer failed: Operation not permitted\n',
};

describe('the kernel log', () => {
  test('comes from journald where dmesg may not be read, and is empty without both', async () => {
    const query: HostView['query'] = async ({ argv }) =>
      argv[0] === 'dmesg' ? refused : printed('[    1.000000] host kernel: a\n');
    expect(await readKernelLog(query)).toEqual(['[    1.000000] host kernel: a']);
    expect(await readKernelLog(async () => ({ ran: false, because: 'not installed' }))).toEqual([]);
    expect(
      await readKernelLog(async () => {
        throw new HostError('ETIMEDOUT', 'dmesg', 'no end');
      }),
    ).toEqual([]);
  });

  test.each([
    '[   14.592386] nvme 0000:02:00.0: gone',
    '<4>[   14.592386] nvme 0000:02:00.0: gone',
    '[   14.592386][  T123] nvme 0000:02:00.0: gone',
    '[   14.592386] node1 kernel: nvme 0000:02:00.0: gone',
  ])('has messages behind time stamps: %s', (line) => {
    expect(messageOf(line)).toBe('nvme 0000:02:00.0: gone');
  });

  test('tells what is new, also when old lines have fallen out of the ring', () => {
    const old = ['[    1.000000] a', '[    2.000000] b'];
    expect(newLines(old, old)).toEqual([]);
    expect(newLines(old, ['[    2.000000] b', '[    3.000000] c'])).toEqual(['c']);
    expect(newLines(old, ['[    3.000000] c'])).toEqual(['c']);
    expect(newLines([], ['[    3.000000] c'])).toEqual(['c']);
  });

  test('is added to the error of a write that failed, with the new lines alone', async () => {
    const log = ['[    1.000000] igb 0000:01:00.0: old'];
    const query: HostView['query'] = async () => printed(`${log.join('\n')}\n`);
    const failing = withKernelLog(query, async () => {
      log.push('[    2.000000] igb 0000:01:00.0: new');
      throw new HostError('ENOMEM', '/sys/x', 'writing');
    });
    await expect(failing).rejects.toMatchObject({ kernelLog: ['igb 0000:01:00.0: new'] });
    await withKernelLog(query, async () => undefined);
  });
});
