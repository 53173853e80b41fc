import { describe, expect } from 'vitest';
import type { Guest } from '../guest.ts';
import { scenario } from '../scenario.ts';

const test = scenario({ firmware: 'grub' });
const wanted = [
  '--pf',
  'enp1s0f0',
  '--vfs',
  '4',
  '--no-kube',
  '--no-persist',
  '--iommu=on',
] as const;
const only = ['--only', 'iommu'] as const;
const dropIn = '/etc/default/grub.d/zz-sriovctl.cfg';
const provider = '/etc/default/grub.d/50-cloudimg-settings.cfg';

const sriovctl = (guest: Guest, ...args: string[]) =>
  guest.run(['sriovctl', ...args], { timeoutMs: 240_000 });

const mustEnd = async (guest: Guest, exitCode: number, ...args: string[]) => {
  const result = await sriovctl(guest, ...args);
  expect(result.exitCode, result.stdout + result.stderr).toBe(exitCode);
  return result;
};

const exists = async (guest: Guest, path: string): Promise<boolean> =>
  (await guest.run(['test', '-e', path])).exitCode === 0;

describe('kernel arguments where it is not easy', () => {
  test('a disk that is full while the menu is made: nothing is half-written, and the host boots', async ({
    guest,
  }) => {
    // A menu of 400 kB, and 200 kB for it.
    await guest.sh('seq -f "# %060g" 1 6500 >>/etc/grub.d/40_custom && update-grub && sync');
    const menu = await guest.sh('sha256sum /boot/grub/grub.cfg');
    await guest.sh(`
      mkdir -p /var/lib/sriovctl /etc/default/grub.d
      head -c 200k /dev/zero >/room; cat /dev/zero >/filler || true
      sync; rm /room; sync`);

    const setup = await mustEnd(guest, 1, 'setup', ...wanted);

    expect(setup.stderr + setup.stdout).toMatch(/no space left/i);
    expect(await exists(guest, dropIn)).toBe(false);
    expect(await guest.sh('sha256sum /boot/grub/grub.cfg')).toBe(menu);

    await guest.reboot();
    expect(await guest.readText('/proc/cmdline')).not.toContain('intel_iommu');
    await guest.sh('rm -f /filler /boot/grub/grub.cfg.new; sync');
    await mustEnd(guest, 3, 'setup', ...wanted);
    await mustEnd(guest, 0, 'teardown', ...only);
    expect(await guest.sh('sha256sum /boot/grub/grub.cfg')).toBe(menu);
  });

  test('a cloud image whose drop-in sets the normal arguments anew', async ({ guest }) => {
    await guest.sh('mkdir -p /etc/default/grub.d');
    await guest.writeText(
      provider,
      'GRUB_TIMEOUT=0\nGRUB_CMDLINE_LINUX_DEFAULT="console=tty1 console=ttyS0 sriovctl.cloud=1"\n',
    );
    await guest.sh('update-grub');
    const files = await guest.sh(`sha256sum ${provider} /etc/default/grub`);

    await mustEnd(guest, 3, 'setup', ...wanted);
    await guest.reboot();

    const cmdline = await guest.readText('/proc/cmdline');
    expect(cmdline).toContain('intel_iommu=on');
    expect(cmdline).toContain('sriovctl.cloud=1');
    expect(await guest.sh(`sha256sum ${provider} /etc/default/grub`)).toBe(files);
    await mustEnd(guest, 0, 'setup', ...wanted);
    await mustEnd(guest, 0, 'teardown', ...only);
    expect(await exists(guest, dropIn)).toBe(false);
    expect(await guest.readText('/boot/grub/grub.cfg')).not.toContain('intel_iommu');
  });

  test('a file that only a shell can understand is left alone, and --grub-file names its line', async ({
    guest,
  }) => {
    await guest.sh(`cat >>/etc/default/grub <<'END'
if [ -e /etc/hostname ]; then
  GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX sriovctl.host=$(cat /etc/hostname)"
fi
END
update-grub`);
    const file = await guest.sh('sha256sum /etc/default/grub');
    const line = await guest.sh("grep -n '^if ' /etc/default/grub | cut -d: -f1");

    const refused = await mustEnd(guest, 4, 'setup', ...wanted, '--grub-file');
    expect(refused.stderr + refused.stdout).toContain(`/etc/default/grub:${line}`);

    await mustEnd(guest, 3, 'setup', ...wanted);
    expect(await guest.sh('sha256sum /etc/default/grub')).toBe(file);
    await guest.reboot();
    expect(await guest.readText('/proc/cmdline')).toMatch(/sriovctl\.host=debian.* intel_iommu=on/);
    await mustEnd(guest, 0, 'setup', ...wanted);
  });
});
