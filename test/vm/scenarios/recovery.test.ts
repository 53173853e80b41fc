import { describe, expect } from 'vitest';
import type { Guest } from '../guest.ts';
import { scenario } from '../scenario.ts';

const test = scenario();
const pf = '/sys/bus/pci/devices/0000:01:00.0';
const setupOf = (vfs: number) =>
  ['sriovctl', 'setup', '--pf', 'enp1s0f0', '--vfs', String(vfs), '--only', 'driver,vfs'] as const;
const setup = setupOf(4);

const count = (guest: Guest) => guest.sh(`cat ${pf}/sriov_numvfs`);

const reset = (guest: Guest) =>
  guest.sh(`
    echo 0 >${pf}/sriov_numvfs
    ip link set enp1s0f0 down
    modprobe -r igbvf
    rm -rf /var/lib/sriovctl
  `);

/** Lines of the newest record, each flushed to the disk before the next is written. */
const recorded = (guest: Guest) =>
  guest.sh('cat "$(ls -d /var/lib/sriovctl/runs/* | tail -n 1)" 2>/dev/null | wc -l');

describe('a run that is killed', () => {
  test('after any line of its record is gone on from by the next one', async ({ guest }) => {
    await guest.sh('modprobe igbvf');
    await reset(guest);
    expect(await guest.run(setup)).toMatchObject({ exitCode: 0 });
    const lines = Number(await recorded(guest));
    expect(lines).toBeGreaterThan(4);

    for (let line = 1; line <= lines; line++) {
      await reset(guest);
      const killed = await guest.run([
        'strace',
        '-f',
        '-o',
        '/dev/null',
        '-e',
        'trace=fsync',
        '-e',
        `inject=fsync:signal=SIGKILL:when=${line}`,
        ...setup,
      ]);
      expect(killed.exitCode, `killed at line ${line}`).not.toBe(0);
      const next = await guest.run(setup);
      expect(next.exitCode, `after line ${line}: ${next.stderr}`).toBe(0);
      if (line < lines) expect(next.stderr).toContain('was killed');
      expect(await count(guest)).toBe('4');
      expect(await guest.run(['sriovctl', 'undo'])).toMatchObject({ exitCode: 0 });
      expect(await count(guest), `undone after line ${line}`).toBe('0');
    }
  });

  test('inside the kernel’s write is gone on from, and the kernel has finished it', async ({
    guest,
  }) => {
    await reset(guest);
    await guest.sh('dmesg -C');
    await guest.start(setup);
    await guest.sh('until pgrep -x dd; do sleep 0.01; done; pkill -KILL -f sriovctl.mjs');
    await guest.sh(`until [ "$(timeout 20 cat ${pf}/sriov_numvfs)" = 4 ]; do sleep 0.2; done`);
    expect(await guest.kernelLog()).toContain('4 VFs allocated');
    const next = await guest.run(setup);
    expect(next).toMatchObject({ exitCode: 0 });
    expect(next.stderr).toContain('was killed');
    expect(await count(guest)).toBe('4');
  });

  test('that wanted something else is taken back first', async ({ guest }) => {
    await reset(guest);
    await guest.start(setup);
    await guest.sh('until pgrep -x dd; do sleep 0.01; done; pkill -KILL -f sriovctl.mjs');
    await guest.sh(`until [ "$(timeout 20 cat ${pf}/sriov_numvfs)" = 4 ]; do sleep 0.2; done`);
    const other = await guest.run(setupOf(2));
    expect(other).toMatchObject({ exitCode: 0 });
    expect(other.stderr).toContain('taken back first');
    expect(await count(guest)).toBe('2');
  });
});

describe('undo', () => {
  test('brings back the VFs that --recreate removed', async ({ guest }) => {
    await reset(guest);
    await guest.sh(`ip link set enp1s0f0 up; echo 2 >${pf}/sriov_numvfs; udevadm settle`);
    expect(await guest.run([...setup, '--recreate'])).toMatchObject({ exitCode: 0 });
    expect(await count(guest)).toBe('4');
    expect(await guest.run(['sriovctl', 'undo'])).toMatchObject({ exitCode: 0 });
    expect(await count(guest)).toBe('2');
    const nothing = await guest.run(['sriovctl', 'undo']);
    expect(nothing.stderr).toContain('Nothing to undo');
  });

  test('is what Ctrl-C does to a run under way', async ({ guest }) => {
    await reset(guest);
    const run = await guest.start(setup);
    await guest.sh('until pgrep -x dd; do sleep 0.01; done; pkill -INT -f sriovctl.mjs');
    const { exitCode } = await run.wait();
    expect(exitCode).toBe(130);
    expect(await count(guest)).toBe('0');
  });
});

test('two runs at a time do not happen', async ({ guest }) => {
  await reset(guest);
  await guest.sh('mkdir -p /run/sriovctl');
  const other = await guest.start(['flock', '/run/sriovctl/lock', 'sleep', '60']);
  await guest.sh('until ! flock -n /run/sriovctl/lock true; do sleep 0.1; done');
  const refused = await guest.run(setup);
  expect(refused).toMatchObject({ exitCode: 4 });
  expect(refused.stderr).toContain('another run');
  other.kill('SIGKILL');
});
