import { describe, expect } from 'vitest';
import { scenario } from '../scenario.ts';
import { timeOf } from './boot-journal.ts';
import {
  bootUnit,
  etcOf,
  failedUnits,
  networkWaited,
  ports,
  prepareHost,
  reboot,
  report,
  saidAtBoot,
  setUp,
  sriovctl,
  vfsNow,
  vfsSeen,
  wanted,
} from './persist-host.ts';

const test = scenario();

describe('a boot that is not as it was foreseen', { timeout: 3_600_000 }, () => {
  let etc = '';
  let vfs = '';

  test('a script that is not the one installed is not run, and setup puts it right', async ({
    guest,
  }) => {
    await prepareHost(guest);
    etc = await etcOf(guest);
    await setUp(guest, ...wanted);
    vfs = await vfsNow(guest);
    await guest.sh("printf '\\0' | dd of=/etc/sriovctl/boot.sh bs=1 seek=4000 conv=notrunc");
    const journal = await reboot(guest);
    expect(new Set(saidAtBoot(journal))).toEqual(
      new Set([
        '/etc/sriovctl/boot.sh is not the script that was installed: nothing is done; run sriovctl setup again',
      ]),
    );
    expect(vfsSeen(journal)).toContain('0000:01:00.0 has 0 VFs');
    expect(vfsSeen(journal)).toContain('0000:01:00.1 has 0 VFs');
    expect(await guest.sh('systemctl is-active multi-user.target')).toBe('active');
    expect(await sriovctl(guest, 'verify', ...wanted)).toMatchObject({ exitCode: 1 });
    await setUp(guest, ...wanted, '--persist', 'rc-local');
    expect(await vfsNow(guest)).toBe(vfs);
    expect(await failedUnits(guest)).toBe('');
  });

  test('rc.local does the same, late', async ({ guest }) => {
    const journal = await reboot(guest);
    expect(await vfsNow(guest)).toBe(vfs);
    expect(journal.filter(({ unit }) => unit === bootUnit)).toEqual([]);
    expect(timeOf(journal, 'started', 'rc-local.service')).toBeGreaterThan(
      timeOf(journal, 'started', 'basic.target'),
    );
    expect(await sriovctl(guest, 'verify', ...wanted, '--persist', 'rc-local')).toMatchObject({
      exitCode: 0,
    });
  });

  test('teardown leaves a host that boots as if we had never been there', async ({ guest }) => {
    const torn = await sriovctl(guest, 'teardown', '--pf', ports[0], '--pf', ports[1]);
    expect(torn, torn.stderr).toMatchObject({ exitCode: 0 });
    expect(await etcOf(guest)).toBe(etc);
    const journal = await reboot(guest);
    expect(await etcOf(guest)).toBe(etc);
    expect(saidAtBoot(journal)).toEqual([]);
    expect(vfsSeen(journal)).toContain('0000:01:00.0 has 0 VFs');
    expect(vfsSeen(journal)).toContain('0000:01:00.1 has 0 VFs');
    const units = `systemctl list-units --all --plain --no-legend 'sriovctl-*' | grep -v vm-agent || true`;
    expect(await guest.sh(units)).toBe('');
  });

  test('without its card the host comes up clean, after five seconds at most', async ({
    guest,
  }) => {
    await setUp(guest, ...wanted);
    await guest.pullCard();
    const journal = await reboot(guest);
    report(journal);
    expect(saidAtBoot(journal)).toEqual(
      ports.map((port) => `${port}: there is no card at this address: nothing is done`),
    );
    expect(networkWaited(journal)).toBeLessThan(5_000);
    expect(await failedUnits(guest)).toBe('');
    const torn = await sriovctl(guest, 'teardown', '--pf', 'enp1s0f0', '--pf', ports[1]);
    expect(torn, torn.stderr).toMatchObject({ exitCode: 0 });
    expect(await etcOf(guest)).toBe(etc);
  });
});
