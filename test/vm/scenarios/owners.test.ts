import { afterEach, describe, expect } from 'vitest';
import type { BackgroundProcess, RunOptions } from '../command.ts';
import type { Guest } from '../guest.ts';
import { scenario } from '../scenario.ts';
import { bindToVfio, holdThroughVfio } from './vfio-holder.ts';

const test = scenario();
const pf = '/sys/bus/pci/devices/0000:01:00.0';
const second = '0000:01:10.2';

const setup = (guest: Guest, count: number, flags: readonly string[] = [], options?: RunOptions) =>
  guest.run(['sriovctl', 'setup', '--pf', `enp1s0f0=${count}`, '--only', 'driver,vfs', ...flags], {
    timeoutMs: 300_000,
    ...options,
  });

const teardown = (guest: Guest, ...flags: readonly string[]) =>
  guest.run(['sriovctl', 'teardown', '--pf', 'enp1s0f0', '--only', 'vfs', ...flags], {
    timeoutMs: 300_000,
  });

const numvfs = (guest: Guest) => guest.sh(`cat ${pf}/sriov_numvfs`);

/** Four VFs that nobody uses. */
const freshVfs = (guest: Guest) =>
  guest.sh(`
    for name in $(ls /run/netns 2>/dev/null); do ip netns del $name; done
    # QEMU's network would give every VF that is up an address and a default route.
    echo 0 >/proc/sys/net/ipv6/conf/default/accept_ra
    echo 0 >${pf}/sriov_numvfs
    ip link set enp1s0f0 up
    echo 4 >${pf}/sriov_numvfs
    udevadm settle
    until [ -e /sys/class/net/enp1s0f0v3 ]; do sleep 0.1; done
  `);

/** A command that would remove the VFs says who uses them, and removes none. */
const expectRefusal = async (
  guest: Guest,
  run: ReturnType<typeof setup>,
  ...says: readonly string[]
) => {
  const refused = await run;
  expect(refused.exitCode, refused.stderr).toBe(4);
  for (const words of [...says, '--force']) expect(refused.stderr).toContain(words);
  expect(await numvfs(guest)).toBe('4');
};

const background: BackgroundProcess[] = [];
afterEach(() => {
  for (const process of background.splice(0)) process.kill('SIGKILL');
});

describe('VFs in use are not removed without --force, and the user is named', () => {
  test('that is a network namespace with a process in it', async ({ guest }) => {
    await freshVfs(guest);
    await guest.sh('ip netns add guest && ip link set enp1s0f0v0 netns guest');
    const inside = await guest.start(['ip', 'netns', 'exec', 'guest', 'sleep', '600']);
    background.push(inside);
    await guest.sh('until ip netns pids guest | grep -q .; do sleep 0.1; done');
    const sleeper = await guest.sh('ip netns pids guest');

    for (const run of [
      () => setup(guest, 2, ['--recreate']),
      () => setup(guest, 2, ['--recreate', '--dry-run']),
      () => teardown(guest),
    ]) {
      const who = 'VF 0 (0000:01:10.0) by network namespace guest';
      await expectRefusal(guest, run(), who, `sleep (pid ${sleeper})`);
    }

    const forced = await setup(guest, 2, ['--recreate', '--force']);
    expect(forced).toMatchObject({ exitCode: 0 });
    expect(forced.stderr).toContain('This disrupts');
    expect(await numvfs(guest)).toBe('2');
  });

  test('that is a process in a namespace without a name', async ({ guest }) => {
    await freshVfs(guest);
    const container = await guest.start(['unshare', '--net', 'sleep', '600']);
    background.push(container);
    await guest.sh(
      `until [ "$(readlink /proc/${container.pid}/ns/net)" != "$(readlink /proc/1/ns/net)" ]; do sleep 0.1; done`,
    );
    await guest.sh(`ip link set enp1s0f0v1 netns ${container.pid}`);
    await expectRefusal(
      guest,
      teardown(guest),
      `VF 1 (${second}) by the network namespace of sleep (pid ${container.pid})`,
    );
  });

  test('that has a vfio device open', async ({ guest }) => {
    await freshVfs(guest);
    await bindToVfio(guest, second);
    const holder = await holdThroughVfio(guest, second);
    background.push(holder);
    const recreation = setup(guest, 2, ['--recreate']);
    await expectRefusal(guest, recreation, `VF 1 (${second}) by perl (pid ${holder.pid})`, 'hangs');

    holder.kill('SIGKILL');
    await holder.wait();
    expect(await setup(guest, 2, ['--recreate'])).toMatchObject({ exitCode: 0 });
    expect(await numvfs(guest)).toBe('2');
  });

  test('that is this host, with an address or a bridge', async ({ guest }) => {
    await freshVfs(guest);
    await guest.sh(`
      ip address add 192.0.2.7/24 dev enp1s0f0v0 && ip link set enp1s0f0v0 up
      ip link add br0 type bridge && ip link set enp1s0f0v1 master br0
      ip link set enp1s0f0v2 up
    `);
    const removal = teardown(guest);
    await expectRefusal(
      guest,
      removal,
      'VF 0 (enp1s0f0v0) by this host: its address 192.0.2.7',
      'VF 1 (enp1s0f0v1) by this host: a port of br0',
    );
    expect((await removal).stderr).not.toContain('VF 2');

    await guest.sh('ip address flush dev enp1s0f0v0; ip link del br0');
    expect(await teardown(guest)).toMatchObject({ exitCode: 0 });
    expect(await numvfs(guest)).toBe('0');
  });
});

describe('a PF that others depend on', () => {
  test('is said to lose its link when it carries the default route or this SSH session', async ({
    guest,
  }) => {
    await freshVfs(guest);
    await guest.sh('ip address add 198.51.100.7/24 dev enp1s0f0');
    await guest.sh('ip route add default via 198.51.100.1 dev enp1s0f0');
    const env = { SSH_CONNECTION: '198.51.100.99 50000 198.51.100.7 22' };
    const dryRun = await setup(guest, 2, ['--recreate', '--dry-run'], { env });
    expect(dryRun).toMatchObject({ exitCode: 0 });
    expect(dryRun.stdout).toContain('enp1s0f0 (the default route, this SSH session)');

    // sudo drops the variable; the shell above it has it still.
    const shell = 'env -u SSH_CONNECTION sriovctl setup --pf enp1s0f0=2 --recreate --dry-run; true';
    const below = await guest.run(['sh', '-c', shell], { env });
    expect(below.stdout).toContain('this SSH session');

    const real = await setup(guest, 2, ['--recreate'], { env });
    expect(real).toMatchObject({ exitCode: 0 });
    const said = real.stderr.indexOf('(the default route, this SSH session) may lose its link');
    expect(said).toBeGreaterThan(-1);
    expect(said).toBeLessThan(real.stderr.indexOf('sriov_numvfs: 4 → 0'));
    await guest.sh('ip address flush dev enp1s0f0');
  });

  test('has its other managers named by file and line', async ({ guest }) => {
    await guest.sh(`
      mkdir -p /etc/netplan
      printf 'network:\\n  ethernets:\\n    enp1s0f0:\\n      virtual-function-count: 3\\n' >/etc/netplan/90-vfs.yaml
      printf '#!/bin/sh\\necho 3 >/sys/class/net/enp1s0f1/device/sriov_numvfs\\n' >/etc/rc.local
    `);
    const dryRun = await setup(guest, 2, ['--dry-run', '--recreate']);
    expect(dryRun).toMatchObject({ exitCode: 0 });
    expect(dryRun.stdout).toContain('/etc/netplan/90-vfs.yaml:4');
    expect(dryRun.stdout).not.toContain('rc.local');

    await guest.sh('mkdir -p /etc/sriov-operator/pci');
    await guest.writeText('/etc/sriov-operator/pci/0000:01:00.0', '{"numVfs":3}\n');
    const refused = await setup(guest, 2, ['--recreate']);
    expect(refused).toMatchObject({ exitCode: 4 });
    expect(refused.stderr).toContain('/etc/sriov-operator/pci/0000:01:00.0');
    await guest.sh('rm -r /etc/sriov-operator /etc/netplan /etc/rc.local');
  });
});
