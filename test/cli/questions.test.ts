import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { demo, root, sriovctl } from './built.ts';
import { installed } from './shells.ts';

let session = '';
let sessions = 0;
const tmux = (...args: readonly string[]): string =>
  execFileSync('tmux', ['-L', session, ...args], { cwd: root, encoding: 'utf8' });
const screen = (): string => tmux('capture-pane', '-p', '-t', session, '-S', '-2000');

const shows = async (words: string): Promise<void> => {
  const deadline = Date.now() + 15_000;
  while (!screen().includes(words)) {
    if (Date.now() > deadline) throw new Error(`never showed ${words}:\n${screen()}`);
    await sleep(50);
  }
};

describe.skipIf(!installed('tmux'))('setup on a terminal without flags', () => {
  afterEach(() => {
    tmux('kill-server');
  });
  const start = (): void => {
    // A server of its own: the one before may still be on its way out.
    session = `sriovctl-test-${process.pid}-${(sessions += 1)}`;
    const program = `${process.execPath} dist/sriovctl.mjs setup --simulate ${demo}; echo "ended with $?"; sleep 60`;
    tmux('new-session', '-d', '-s', session, '-x', '120', '-y', '50', program);
  };

  test('asks for PF and count, tells the command, and does it', async () => {
    start();
    await shows('Which network card');
    expect(screen()).toContain('enp1s0f1 (0000:01:00.1)');
    tmux('send-keys', '-t', session, 'Down', 'Enter');
    await shows('How many? 0 to 7');
    tmux('send-keys', '-t', session, 'BSpace', '9', 'Enter');
    await shows('whole number from 0 to 7');
    tmux('send-keys', '-t', session, 'BSpace', '3', 'Enter');
    await shows('Make it so now?');
    tmux('send-keys', '-t', session, 'Enter');
    await shows('ended with 0');
    expect(screen()).toContain(`sriovctl setup --pf enp1s0f1 --vfs 3 --dry-run --simulate ${demo}`);
    expect(screen()).toContain('nothing was written');
  });

  test('changes nothing when it is left with Ctrl-C', async () => {
    start();
    await shows('Which network card');
    tmux('send-keys', '-t', session, 'C-c');
    await shows('ended with 130');
    expect(screen()).toContain('NOT_ANSWERED');
  });
});

test('setup without a terminal asks nothing', async () => {
  const { exitCode, stderr } = await sriovctl('setup', '--simulate', demo);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('PF_MISSING');
});
