import { beforeAll, describe, expect } from 'vitest';
import type { Guest } from '../guest.ts';
import { debianWithCompiler, ensureImage } from '../image.ts';
import { scenario } from '../scenario.ts';

const test = scenario({ image: debianWithCompiler });

beforeAll(async () => {
  await ensureImage(debianWithCompiler);
}, 1_800_000);

const stages = ['--only', 'driver-source,driver,vfs'];
const wanted = ['--pf', 'enp1s0f0', '--vfs', '2', '--driver-source', '/root/igbvf.tar.xz'];

/** An emulated compiler takes its time. */
const sriovctl = (guest: Guest, ...args: string[]) =>
  guest.run(['sriovctl', ...args, ...stages], { timeoutMs: 900_000 });

/** What a build, an installation and a reload leave traces in. */
const hostState = (guest: Guest): Promise<string> =>
  guest.sh(`
    find /lib/modules/ /var/lib/ /usr/src /root -xdev -not -path '/var/lib/sriovctl/runs*' -not -path '/var/lib/systemd/*' -printf '%p %m %s %l\\n' | sort
    sha256sum /lib/modules/*/modules.dep /lib/modules/*/modules.alias
    grep -s . /sys/module/igbvf/* /sys/class/net/enp1s0f0/device/sriov_numvfs || true
  `);

const versionOfLoaded = (guest: Guest): Promise<string> =>
  guest.sh('cat /sys/module/igbvf/version || echo own');
const installed = (guest: Guest): Promise<string> => guest.sh('modinfo -F filename igbvf');

describe('a driver of VFs that is built from source', () => {
  let before = '';

  test('is planned to the last command by a dry run, which writes nothing', async ({ guest }) => {
    await guest.sh(`
      mkdir -p /var/lib/sriovctl
      cd /usr/src
      echo 'MODULE_VERSION("1-test");' >>igbvf/netdev.c
      tar -cJf /root/igbvf.tar.xz igbvf
      modprobe -r igbvf
    `);
    before = await hostState(guest);

    const dryRun = await sriovctl(guest, 'setup', ...wanted, '--dry-run');

    expect(dryRun.exitCode, dryRun.stderr + dryRun.stdout).toBe(0);
    for (const program of ['tar', 'make', 'install', 'depmod', 'modprobe']) {
      expect(dryRun.stdout).toMatch(new RegExp(`\\$ ${program} `));
    }
    expect(await hostState(guest)).toBe(before);
  });

  test('drives VFs after one command', { timeout: 1_000_000 }, async ({ guest }) => {
    const setup = await sriovctl(guest, 'setup', ...wanted);

    expect(setup.exitCode, setup.stderr + setup.stdout).toBe(0);
    expect(setup.stderr).not.toContain('Other than rehearsed');
    expect(await versionOfLoaded(guest)).toBe('1-test');
    expect(await installed(guest)).toMatch(/\/updates\/igbvf\.ko$/);
    expect(
      await guest.sh('readlink /sys/class/net/enp1s0f0v[01]/device/driver | xargs -n1 basename'),
    ).toBe('igbvf\nigbvf');
  });

  test('is nothing to do a second time, and verify agrees', async ({ guest }) => {
    const state = await hostState(guest);
    const second = await sriovctl(guest, 'setup', ...wanted);
    expect(second).toMatchObject({ exitCode: 0 });
    expect(second.stderr).toContain('Nothing to do');
    const verify = await sriovctl(guest, 'verify', ...wanted);
    expect(verify.exitCode, verify.stdout).toBe(0);
    expect(await hostState(guest)).toBe(state);
  });

  test('is taken out by a teardown, and the own one of the kernel is back', async ({ guest }) => {
    const teardown = await sriovctl(guest, 'teardown', '--pf', 'enp1s0f0');

    expect(teardown.exitCode, teardown.stderr + teardown.stdout).toBe(0);
    expect(await installed(guest)).toContain('/kernel/drivers/net/ethernet/intel/igbvf/');
    expect(await versionOfLoaded(guest)).toBe('own');
    await guest.sh('modprobe -r igbvf');
    expect(await hostState(guest)).toBe(before);
  });
});
