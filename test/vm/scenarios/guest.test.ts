import { describe, expect } from 'vitest';
import { scenario } from '../scenario.ts';

const test = scenario();

describe('a program in the guest', () => {
  test('gives its exit code and both outputs', async ({ guest }) => {
    expect(await guest.run(['sh', '-c', 'echo out; echo err >&2; exit 3'])).toEqual({
      exitCode: 3,
      signal: undefined,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  test('that a signal ended differs from one that exits with 137', async ({ guest }) => {
    expect(await guest.run(['sh', '-c', 'kill -KILL $$'])).toMatchObject({
      exitCode: undefined,
      signal: 'SIGKILL',
    });
    expect(await guest.run(['sh', '-c', 'exit 137'])).toMatchObject({ exitCode: 137 });
  });

  test('gets its arguments, variables, folder and input as they are', async ({ guest }) => {
    const script = 'printf "%s|" "$1" "$NAME" "$PWD"; cat';
    const options = { env: { NAME: 'a "b"\n$c' }, cwd: '/etc', input: 'ü\0\n' };

    const { stdout } = await guest.run(['sh', '-c', script, 'sh', '* \\'], options);

    expect(stdout).toBe('* \\|a "b"\n$c|/etc|ü\0\n');
  });

  test('that does not exist ends with 127', async ({ guest }) => {
    const { exitCode, stderr } = await guest.run(['/no/such/program']);

    expect(exitCode).toBe(127);
    expect(stderr).toContain('No such file or directory');
  });

  test('may write and read megabytes', async ({ guest }) => {
    const megabytes = 'sixteen bytes..\n'.repeat(4 * 65536);

    await guest.writeText('/tmp/megabytes', megabytes);

    expect((await guest.readText('/tmp/megabytes')) === megabytes).toBe(true);
  });

  test('is killed with its children at its deadline', async ({ guest }) => {
    const slow = guest.run(['sh', '-c', 'echo begun; sleep 1234 & wait'], { timeoutMs: 1000 });

    await expect(slow).rejects.toThrow(/not done after 1000 ms; so far:\nbegun/);
    expect(await guest.sh('pgrep -fx "sleep 1234" || echo gone')).toBe('gone');
  });

  test('can go on in the background, be talked to and be killed', async ({ guest }) => {
    const echo = await guest.start(['cat']);
    const sleeper = await guest.start(['sleep', '1000']);
    echo.input('hello\n');

    expect(await guest.sh(`cat /proc/${echo.pid}/comm /proc/${sleeper.pid}/comm`)).toBe(
      'cat\nsleep',
    );
    sleeper.kill();
    expect(await sleeper.wait()).toMatchObject({ signal: 'SIGTERM' });
    echo.kill('SIGINT');
    expect(await echo.wait()).toMatchObject({ signal: 'SIGINT', stdout: 'hello\n' });
  });

  test('does not keep us waiting for a daemon that it leaves behind', async ({ guest }) => {
    expect(await guest.sh('sleep 30 & echo left')).toBe('left');
  });
});

describe('a guest', () => {
  test('shares a folder with the host and sees the built product', async ({ guest }) => {
    await guest.sh('echo from the guest >/mnt/share/note');

    expect(await guest.sh('cat /mnt/share/note; mountpoint -q /opt/sriovctl && echo mounted')).toBe(
      'from the guest\nmounted',
    );
  });

  test('keeps its whole kernel log', async ({ guest }) => {
    const log = await guest.kernelLog();

    expect(log).toContain('Linux version');
    expect(log).toContain('igb 0000:01:00.1 enp1s0f1: renamed from eth1');
    expect(await guest.console()).toContain('Linux version');
  });

  test('knows what time it is', async ({ guest }) => {
    const seconds = Number(await guest.sh('date +%s'));

    expect(Math.abs(Date.now() / 1000 - seconds)).toBeLessThan(30);
  });

  test('comes back after a reboot, and commands that ran are lost', async ({ guest }) => {
    const bootId = await guest.readText('/proc/sys/kernel/random/boot_id');
    const lost = await guest.start(['sleep', '1000']);
    await guest.sh('touch /var/kept /run/not-kept');

    await guest.reboot();

    await expect(lost.wait()).rejects.toThrow('the guest restarted');
    expect(await guest.readText('/proc/sys/kernel/random/boot_id')).not.toBe(bootId);
    expect(await guest.sh('ls -d /var/kept /run/not-kept 2>/dev/null || true')).toBe('/var/kept');
    expect(await guest.sh('ls /sys/class/net')).toBe('enp1s0f0\nenp1s0f1\nlo');
  });
});
