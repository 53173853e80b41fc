import { expect } from 'vitest';
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
const provider = '/etc/default/grub.d/50-cloudimg-settings.cfg';

const mustEnd = async (guest: Guest, exitCode: number, ...args: string[]): Promise<string> => {
  const result = await guest.run(['sriovctl', ...args], { timeoutMs: 300_000 });
  const said = result.stdout + result.stderr;
  expect(result.exitCode, said).toBe(exitCode);
  return said;
};

const files = (guest: Guest): Promise<string> =>
  guest.sh(`sha256sum ${provider} /etc/default/grub`);

test('a cloud image whose drop-in sets the normal arguments anew', async ({ guest }) => {
  await guest.sh('mkdir -p /etc/default/grub.d');
  await guest.writeText(
    provider,
    'GRUB_TIMEOUT=0\nGRUB_CMDLINE_LINUX_DEFAULT="console=tty1 console=ttyS0 sriovctl.cloud=1"\n',
  );
  const before = await files(guest);

  await mustEnd(guest, 3, 'setup', ...wanted);

  const menu = await guest.sh("grep -E '^\\s*linux\\s' /boot/grub/grub.cfg | head -1");
  expect(menu).toMatch(/intel_iommu=on .*sriovctl\.cloud=1/);
  await mustEnd(guest, 0, 'teardown', '--only', 'iommu');
  expect(await guest.readText('/boot/grub/grub.cfg')).not.toContain('intel_iommu');
  expect(await files(guest)).toBe(before);
});

test('a file that only a shell can understand is left alone, and --grub-file names its line', async ({
  guest,
}) => {
  await guest.sh(`cat >>/etc/default/grub <<'END'
if [ -e /etc/hostname ]; then
  GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX sriovctl.host=$(cat /etc/hostname)"
fi
END`);
  const before = await files(guest);
  const line = await guest.sh("grep -n '^if ' /etc/default/grub | cut -d: -f1");

  const refused = await mustEnd(guest, 4, 'setup', ...wanted, '--grub-file');
  expect(refused).toContain(`/etc/default/grub:${line}`);

  await mustEnd(guest, 3, 'setup', ...wanted);
  expect(await files(guest)).toBe(before);
});

test('both boot with the argument beside their own, and the same command goes on', async ({
  guest,
}) => {
  await guest.reboot();

  const cmdline = await guest.readText('/proc/cmdline');
  expect(cmdline).toMatch(/sriovctl\.host=debian.* intel_iommu=on .*sriovctl\.cloud=1/);
  await mustEnd(guest, 0, 'setup', ...wanted);
  expect(await guest.sh('cat /sys/class/net/enp1s0f0/device/sriov_numvfs')).toBe('4');
});
