import { describe, expect } from 'vitest';
import type { Guest } from '../guest.ts';
import { scenario } from '../scenario.ts';

const test = scenario({ firmware: 'grub' });
const wanted = ['--pf', 'enp1s0f0', '--vfs', '4', '--no-kube', '--no-persist'] as const;
const dropIn = '/etc/default/grub.d/zz-sriovctl.cfg';

const sriovctl = (guest: Guest, ...args: string[]) =>
  guest.run(['sriovctl', ...args], { timeoutMs: 240_000 });

/** All that a boot depends on, to the byte. */
const bootFiles = (guest: Guest): Promise<string> =>
  guest.sh(
    "find /etc/default /boot -xdev -type f -printf '%p %m %U %G ' -exec sha256sum -b {} ';' | sort",
  );

const countOfVfs = (guest: Guest): Promise<string> =>
  guest.sh('cat /sys/class/net/enp1s0f0/device/sriov_numvfs');

describe('kernel arguments on a Debian host with GRUB', () => {
  let before = '';
  let cmdline = '';

  test('an IOMMU that works without an argument gets none', async ({ guest }) => {
    before = await bootFiles(guest);
    cmdline = await guest.readText('/proc/cmdline');
    expect(cmdline).not.toContain('iommu');

    const setup = await sriovctl(guest, 'setup', ...wanted);

    expect(setup.exitCode, setup.stdout + setup.stderr).toBe(0);
    expect(await countOfVfs(guest)).toBe('4');
    expect(await bootFiles(guest)).toBe(before);
    const teardown = await sriovctl(guest, 'teardown', '--pf', 'enp1s0f0', '--no-kube');
    expect(teardown.exitCode, teardown.stdout + teardown.stderr).toBe(0);
  });

  test('a dry run with --iommu=on shows the file and the command, and writes nothing', async ({
    guest,
  }) => {
    const dryRun = await sriovctl(guest, 'setup', ...wanted, '--iommu=on', '--dry-run');

    expect(dryRun.stdout).toContain(dropIn);
    expect(dryRun.stdout).toContain('GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX intel_iommu=on"');
    expect(dryRun.stdout).toContain('/usr/sbin/update-grub');
    expect(await bootFiles(guest)).toBe(before);
  });

  test('--iommu=on puts the argument in and ends for a reboot', async ({ guest }) => {
    const setup = await sriovctl(guest, 'setup', ...wanted, '--iommu=on');

    expect(setup.exitCode, setup.stdout + setup.stderr).toBe(3);
    expect(await guest.readText(dropIn)).toContain(
      'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX intel_iommu=on"',
    );
    const menu = await guest.sh("grep -E '^\\s*linux\\s' /boot/grub/grub.cfg");
    for (const line of menu.split('\n')) expect(line).toContain('intel_iommu=on');
    expect(await countOfVfs(guest)).toBe('0');
  });

  test('the same command again changes nothing and asks for the reboot again', async ({
    guest,
  }) => {
    const files = await bootFiles(guest);

    const again = await sriovctl(guest, 'setup', ...wanted, '--iommu=on');

    expect(again.exitCode, again.stdout + again.stderr).toBe(3);
    expect(await bootFiles(guest)).toBe(files);
  });

  test('after the reboot the same command goes on, and verify agrees', async ({ guest }) => {
    await guest.reboot();
    expect(await guest.readText('/proc/cmdline')).toContain('intel_iommu=on');
    expect(await guest.sh('readlink /sys/class/net/enp1s0f0/device/iommu_group')).toMatch(/\d+$/);

    const setup = await sriovctl(guest, 'setup', ...wanted, '--iommu=on');
    expect(setup.exitCode, setup.stdout + setup.stderr).toBe(0);
    expect(await countOfVfs(guest)).toBe('4');

    const verify = await sriovctl(guest, 'verify', ...wanted, '--iommu=on');
    expect(verify.exitCode, verify.stdout + verify.stderr).toBe(0);
  });

  test('a teardown and a reboot bring the first state back', async ({ guest }) => {
    const args = ['--only', 'iommu'];
    const teardown = await sriovctl(guest, 'teardown', ...args);
    expect(teardown.exitCode, teardown.stdout + teardown.stderr).toBe(0);
    expect(await bootFiles(guest)).toBe(before);

    await guest.reboot();

    expect(await guest.readText('/proc/cmdline')).toBe(cmdline);
  });

  test('switched off at boot, it is brought back for good', async ({ guest }) => {
    await guest.sh("sed -Ei 's/^(\\s*linux\\s.*)/\\1 intel_iommu=off/' /boot/grub/grub.cfg");
    await guest.reboot();
    expect(await guest.readText('/proc/cmdline')).toContain('intel_iommu=off');
    expect(await guest.sh('ls /sys/class/iommu /sys/kernel/iommu_groups | grep -c .')).toBe('3');

    const setup = await sriovctl(guest, 'setup', ...wanted, '--iommu=on');
    expect(setup.exitCode, setup.stdout + setup.stderr).toBe(3);
    expect(await guest.readText('/boot/grub/grub.cfg')).not.toContain('intel_iommu=off');

    await guest.reboot();
    expect(await guest.sh('readlink /sys/class/net/enp1s0f0/device/iommu_group')).toMatch(/\d+$/);
    const again = await sriovctl(guest, 'setup', ...wanted, '--iommu=on');
    expect(again.exitCode, again.stdout + again.stderr).toBe(0);
  });
});
