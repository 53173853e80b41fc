import { describe, expect } from 'vitest';
import { scenario } from '../scenario.ts';

const test = scenario({ firmware: 'grub' });

describe('a guest that boots through firmware and GRUB', () => {
  test('obeys its own grub.cfg at the next boot', async ({ guest }) => {
    const before = await guest.readText('/proc/cmdline');
    const bootId = await guest.readText('/proc/sys/kernel/random/boot_id');
    expect(before).not.toContain('sriovctl.test');

    await guest.sh(`sed -i 's/^GRUB_CMDLINE_LINUX="/&sriovctl.test=1 /' /etc/default/grub`);
    await guest.sh('update-grub');
    await guest.reboot();

    expect(await guest.readText('/proc/cmdline')).toContain('sriovctl.test=1');
    expect(await guest.readText('/proc/sys/kernel/random/boot_id')).not.toBe(bootId);
    expect(await guest.sh('ls /sys/class/net')).toContain('enp1s0f1');
  });
});
