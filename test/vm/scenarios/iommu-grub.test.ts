import { describe, expect } from 'vitest';
import type { Guest } from '../guest.ts';
import { scenario } from '../scenario.ts';

const test = scenario({ firmware: 'grub' });
const wanted = ['--pf', 'enp1s0f0', '--vfs', '4', '--no-kube', '--no-persist'] as const;
const withIommu = [...wanted, '--iommu=on'] as const;
const dropIn = '/etc/default/grub.d/zz-sriovctl.cfg';

const mustEnd = async (guest: Guest, exitCode: number, ...args: string[]): Promise<string> => {
  const result = await guest.run(['sriovctl', ...args], { timeoutMs: 300_000 });
  const said = result.stdout + result.stderr;
  expect(result.exitCode, said).toBe(exitCode);
  return said;
};

/** All that a boot depends on, to the byte. */
const bootFiles = (guest: Guest): Promise<string> =>
  guest.sh(
    "find /etc/default /boot -xdev -type f -printf '%p %m %U %G ' -exec sha256sum -b {} ';' | sort",
  );

const countOfVfs = (guest: Guest): Promise<string> =>
  guest.sh('cat /sys/class/net/enp1s0f0/device/sriov_numvfs');

const iommuGroup = (guest: Guest): Promise<string> =>
  guest.sh('readlink /sys/class/net/enp1s0f0/device/iommu_group || true');

describe('kernel arguments on a Debian host with GRUB', () => {
  let before = '';
  let cmdline = '';

  test('an IOMMU that works without an argument gets none', async ({ guest }) => {
    before = await bootFiles(guest);
    cmdline = await guest.readText('/proc/cmdline');
    expect(cmdline).not.toContain('iommu');

    await mustEnd(guest, 0, 'setup', ...wanted);

    expect(await countOfVfs(guest)).toBe('4');
    expect(await bootFiles(guest)).toBe(before);
    await guest.sh('echo 0 >/sys/class/net/enp1s0f0/device/sriov_numvfs');
  });

  test('a dry run with --iommu=on shows the file and the command, and writes nothing', async ({
    guest,
  }) => {
    const said = await mustEnd(guest, 3, 'setup', ...withIommu, '--dry-run');

    expect(said).toContain(dropIn);
    expect(said).toContain('GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX intel_iommu=on"');
    expect(said).toContain('/usr/sbin/update-grub');
    expect(await bootFiles(guest)).toBe(before);
  });

  test('a disk that fills up while the menu is made leaves nothing behind', async ({ guest }) => {
    // A menu of 400 kB, and 200 kB for it.
    await guest.sh(`
      printf '#!/bin/sh\\nseq -f "# %%060g" 1 6500\\n' >/etc/grub.d/45_large
      chmod +x /etc/grub.d/45_large
      fallocate -l 200K /room
      for size in 1G 64M 4M 256K 4K; do
        while fallocate -o "$(stat -c %s /filler 2>/dev/null || echo 0)" -l $size /filler; do :; done 2>/dev/null
      done
      sync; rm /room; sync`);

    const said = await mustEnd(guest, 1, 'setup', ...withIommu);

    expect(said).toMatch(/no space left/i);
    expect(said).toContain('Make room in /boot');
    expect(await bootFiles(guest)).toBe(before);
    await guest.sh('rm /filler /etc/grub.d/45_large');
  });

  test('--iommu=on puts the argument in, once, and ends for a reboot', async ({ guest }) => {
    // As typed in the menu of GRUB at boot: in no file that a menu is made from.
    await guest.sh("sed -Ei 's/^(\\s*linux\\s.*)/\\1 intel_iommu=off/' /boot/grub/grub.cfg");
    await guest.reboot();
    expect(await guest.readText('/proc/cmdline')).toContain('intel_iommu=off');
    expect(await guest.sh('ls /sys/class/iommu')).toBe('');
    expect(await iommuGroup(guest)).toBe('');

    await mustEnd(guest, 3, 'setup', ...withIommu);

    expect(await guest.readText(dropIn)).toContain(
      'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX intel_iommu=on"',
    );
    const menu = await guest.sh("grep -E '^\\s*linux\\s' /boot/grub/grub.cfg");
    for (const line of menu.split('\n')) expect(line).toMatch(/^(?!.*iommu=off).*intel_iommu=on/);
    expect(await countOfVfs(guest)).toBe('0');
  });

  test('--reboot restarts the host and goes on by itself, once', async ({ guest }) => {
    const files = await bootFiles(guest);
    const booted = guest.booted();
    const run = await guest.start(['sriovctl', 'setup', ...withIommu, '--reboot']);
    await booted.catch((error: unknown) => {
      throw new Error(`no reboot after: ${JSON.stringify(run.output())}`, { cause: error });
    });
    expect(run.output().stderr).toContain('was not rebooted since');

    expect(await guest.readText('/proc/cmdline')).toContain('intel_iommu=on');
    expect(await iommuGroup(guest)).toMatch(/\d+$/);
    const unit = 'sriovctl-continue.service';
    await guest.sh(
      `until [ "$(systemctl show -P ActiveState ${unit})" = inactive ]; do sleep 1; done`,
      { timeoutMs: 300_000 },
    );
    const journal = await guest.sh(`journalctl -b -u ${unit} --no-pager`);
    expect(journal).toContain('was rebooted since');
    expect(await countOfVfs(guest), journal).toBe('4');
    expect(await guest.sh(`find /etc/systemd -name ${unit}`)).toBe('');
    expect(await bootFiles(guest)).toBe(files);
    expect(await mustEnd(guest, 0, 'verify', ...withIommu)).toContain('intel_iommu=on is in force');
  });

  test('a teardown and a reboot bring the first state back', async ({ guest }) => {
    await mustEnd(guest, 0, 'teardown', '--only', 'iommu');
    expect(await bootFiles(guest)).toBe(before);

    await guest.reboot();

    expect(await guest.readText('/proc/cmdline')).toBe(cmdline);
  });
});
