import { describe, expect, onTestFinished } from 'vitest';
import { scenario } from '../scenario.ts';
import { bootJournal, timeOf } from './boot-journal.ts';
import {
  bootUnit,
  expectInOrder,
  failedUnits,
  kubelet,
  networkWaited,
  patient,
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

describe('VFs after a reboot', { timeout: 3_600_000 }, () => {
  let vfs = '';

  test('both ports have theirs again, with all settings, before the network and kubelet start', async ({
    guest,
  }) => {
    await prepareHost(guest);
    await setUp(guest, ...wanted);
    vfs = await vfsNow(guest);
    expect(vfs).toContain('0000:01:00.0 has 4 VFs');
    expect(vfs).toContain('virtfn3 ../0000:01:10.6 vfio-pci override vfio-pci');
    expect(vfs).toContain('virtfn2 ../0000:01:10.5 igbvf override (null) MTU 1800');
    // By path: a colon in a name would be read as FILE:ALIAS.
    const units = [bootUnit, 'sriovctl-pf@.service'].map((name) => `/etc/systemd/system/${name}`);
    const verified = await guest.run(['systemd-analyze', 'verify', ...units], patient);
    expect(verified).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    await guest.sh('udevadm verify /etc/udev/rules.d/90-sriovctl*.rules');

    // What somebody takes away by hand stays away until the next boot.
    const numvfs = `/sys/bus/pci/devices/${ports[1]}/sriov_numvfs`;
    await guest.sh(`echo 0 >${numvfs}; udevadm settle; sleep 3`, patient);
    expect(await guest.sh(`cat ${numvfs}`, patient)).toBe('0');

    // A kernel update may call a netdev otherwise; a .link file does it on purpose.
    const link = '[Match]\nPermanentMACAddress=52:54:00:00:01:00\n[Link]\nName=uplink0\n';
    await guest.writeText('/etc/systemd/network/10-uplink.link', link);
    onTestFinished(async () => {
      await guest.sh('rm /etc/systemd/network/10-uplink.link');
    });
    const journal = await reboot(guest);
    report(journal);
    expect(await guest.sh('ls /sys/class/net')).toContain('uplink0');
    expect(vfsSeen(journal)).toBe(vfs);
    expect(await vfsNow(guest)).toBe(vfs);
    expectInOrder(journal);
    expect(await sriovctl(guest, 'verify', ...wanted)).toMatchObject({ exitCode: 0 });
    expect(await failedUnits(guest)).toBe('');
    const unmanaged =
      'for n in /sys/class/net/*; do udevadm info $n; done | grep -c NM_UNMANAGED=1';
    expect(await guest.sh(unmanaged)).toBe('5');
  });

  test('a run that gives a PF its driver is not raced by the unit of the old number', async ({
    guest,
  }) => {
    await guest.sh(`echo ${ports[0]} >/sys/bus/pci/drivers/igb/unbind`, patient);
    await setUp(guest, '--pf', ports[0], '--vfs', '2');
    const unit = `sriovctl-pf@${ports[0]}.service`;
    await guest.sh(`until systemctl is-active ${unit} >/dev/null; do sleep 1; done`, patient);
    expect(await guest.sh(`cat /sys/bus/pci/devices/${ports[0]}/sriov_numvfs`)).toBe('2');
    const said = saidAtBoot(await bootJournal(guest)).slice(-2);
    expect(said).toEqual([
      `${ports[0]}: a run of sriovctl is under way and comes first`,
      `${ports[0]}: it has its 2 VFs already`,
    ]);
    await setUp(guest, ...wanted, '--recreate');
    expect(await vfsNow(guest)).toBe(vfs);
  });

  test('a driver that is loaded long after the boot gets them through udev', async ({ guest }) => {
    await guest.writeText('/etc/modprobe.d/late.conf', 'blacklist igb\n');
    onTestFinished(async () => {
      await guest.sh('rm /etc/modprobe.d/late.conf');
    });
    const journal = await reboot(guest);
    expect(saidAtBoot(journal)).toEqual(
      ports.map((port) => `${port}: no driver has taken it yet: no VFs for now`),
    );
    report(journal);
    // It is not waited for at all: this is what the emulated machine takes.
    expect(networkWaited(journal)).toBeLessThan(10_000);
    expect(timeOf(journal, 'started', bootUnit)).toBeLessThan(timeOf(journal, 'starting', kubelet));
    expect(await failedUnits(guest)).toBe('');

    await guest.sh('modprobe igb; udevadm settle', patient);
    // Asked for the state alone, and of each (one that is active is enough for `is-active`): udev starts them.
    for (const port of ports) {
      const unit = `sriovctl-pf@${port}.service`;
      await guest.sh(`until systemctl is-active ${unit} >/dev/null; do sleep 1; done`, patient);
    }
    const late = await bootJournal(guest);
    expect(saidAtBoot(late).filter((text) => text.includes('VFs made'))).toHaveLength(2);
    expect(await vfsNow(guest)).toBe(vfs);
  });
});
