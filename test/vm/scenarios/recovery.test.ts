import { copyFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { describe, expect } from 'vitest';
import { notRestored } from '../../../src/engine/not-restored.ts';
import { difference } from '../../conformance/observe.ts';
import { type Guest, repositoryRoot } from '../guest.ts';
import { scenario } from '../scenario.ts';
import { bindToVfio } from './vfio-holder.ts';

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

describe('a run that is killed', () => {
  test('after any line of its record is gone on from by the next one, and undone', async ({
    guest,
  }) => {
    const hook = 'kill-at-fsync.mjs';
    await copyFile(path.join(import.meta.dirname, '..', hook), path.join(guest.share, hook));
    // One PF that is down and gets one VF: two changes, so six lines. All in the guest, where no time
    // is lost between two runs.
    const told = await guest.sh(
      `
      setup() { sriovctl setup --pf enp1s0f0 --vfs 1 --only vfs; }
      numvfs() { timeout 60 cat ${pf}/sriov_numvfs; }
      record() { cat /var/lib/sriovctl/runs/*; }
      modprobe igbvf
      line=0
      until [ "$line" -gt 0 ] && [ "$killed" = 0 ]; do
        line=$((line + 1))
        echo 0 >${pf}/sriov_numvfs
        ip link set enp1s0f0 down
        rm -rf /var/lib/sriovctl
        killed=0
        KILL_AT=$line NODE_OPTIONS=--import=/mnt/share/${hook} setup >/dev/null 2>&1 || killed=$?
        lines=$(record | grep -c .)
        setup 2>/tmp/next >/dev/null && next=0 || next=$?
        made=$(numvfs)
        sriovctl undo >/dev/null 2>&1 && undo=0 || undo=$?
        goes_on=$(grep -c 'was killed; this one goes on' /tmp/next || true)
        echo "killed=$killed lines=$lines next=$next goes_on=$goes_on made=$made undo=$undo left=$(numvfs)"
      done
    `,
      { timeoutMs: 800_000 },
    );
    const ends = told.split('\n');
    const converged = 'next=0 goes_on=1 made=1 undo=0 left=0';
    expect(ends).toEqual([
      ...[1, 2, 3, 4, 5].map((lines) => `killed=137 lines=${lines} ${converged}`),
      // After the last line there is nothing left to go on from.
      'killed=137 lines=6 next=0 goes_on=0 made=1 undo=0 left=0',
      'killed=0 lines=6 next=0 goes_on=0 made=1 undo=0 left=0',
    ]);
  }, 900_000);

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
  test('brings back the VFs that --recreate removed, as they were', async ({ guest }) => {
    await reset(guest);
    await guest.sh(`
      modprobe igbvf
      ip link set enp1s0f0 up
      echo 2 >${pf}/sriov_numvfs
      udevadm settle
      ip link set enp1s0f0 vf 0 mac 02:00:00:00:00:10 vlan 100 qos 3
      ip link set enp1s0f0 vf 1 spoofchk off
      ip link set enp1s0f0 vf 1 trust on
    `);
    await bindToVfio(guest, '0000:01:10.2');
    const before = await observed(guest);
    const made = await guest.run([...setup, '--recreate']);
    expect(made).toMatchObject({ exitCode: 0 });
    expect(made.stderr).toContain('An undo will not bring back random MAC addresses of VFs');
    expect(await count(guest)).toBe('4');
    expect(await guest.run(['sriovctl', 'undo'])).toMatchObject({ exitCode: 0 });
    const after = await observed(guest);
    expect(after.links).toEqual(before.links);
    const other = Object.entries(difference(before.sysfs, after.sysfs)).filter(
      ([where]) => !notRestored.some(({ paths }) => paths?.test(where) === true),
    );
    expect(Object.fromEntries(other)).toEqual({});

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

/** What the card shows below /sys, and what its driver keeps for the VFs. */
const observed = async (guest: Guest) => {
  await build({
    entryPoints: [path.join(repositoryRoot, 'test/conformance/guest-observe.ts')],
    outfile: path.join(guest.share, 'observe.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
  });
  await guest.sh('node /mnt/share/observe.mjs /mnt/share/observed.json', { timeoutMs: 300_000 });
  const text = await readFile(path.join(guest.share, 'observed.json'), 'utf8');
  const links = await guest.sh('ip link show enp1s0f0 | grep " vf "');
  return { sysfs: new Map(JSON.parse(text) as [string, string][]), links };
};
