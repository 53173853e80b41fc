import { describe, expect } from 'vitest';
import type { Guest } from '../guest.ts';
import { scenario } from '../scenario.ts';
import {
  devices,
  driverState,
  expectExit,
  expectSuccess,
  pf,
  removeVfs,
  setup,
  undo,
} from './vf-host.ts';

const test = scenario();

const driversOf = (guest: Guest, port = 0): Promise<string> =>
  guest.sh(
    `for vf in ${devices}/0000:01:00.${port}/virtfn*; do basename "$(readlink $vf/driver || echo none)"; done`,
  );

describe('drivers of VFs on the real kernel', { timeout: 1_200_000 }, () => {
  test('half the VFs go to vfio-pci and half to igbvf, on two PFs at once', async ({ guest }) => {
    const pfs = [
      ...['--pf', 'enp1s0f0', '--vfs', '4', '--vf', '0-1:driver=vfio-pci'],
      ...['--pf', 'enp1s0f1', '--vfs', '2', '--vf', '1:driver=vfio-pci'],
    ];
    await expectSuccess(setup(guest, ...pfs));
    expect(await driversOf(guest)).toBe('vfio-pci\nvfio-pci\nigbvf\nigbvf');
    expect(await driversOf(guest, 1)).toBe('igbvf\nvfio-pci');
    expect(await guest.sh('ls /dev/vfio | grep -c "^[0-9]"')).toBe('3');
    expect(await guest.sh('ls /sys/class/net')).toContain('enp1s0f0v3');
    expect(await guest.sh(`cat ${pf}/sriov_drivers_autoprobe`)).toBe('1');
  });

  test('VFs change their driver without being made anew, and undo gives them the old one', async ({
    guest,
  }) => {
    const before = await driverState(guest);
    const made = await guest.sh(`stat -c %Y ${pf}/virtfn0`);
    const kernel = ['--pf', 'enp1s0f0', '--vfs', '4', '--vf-driver', 'kernel'];
    await expectSuccess(setup(guest, ...kernel));
    expect(await driversOf(guest)).toBe('igbvf\nigbvf\nigbvf\nigbvf');
    expect(await guest.sh(`stat -c %Y ${pf}/virtfn0`)).toBe(made);
    await expectExit(undo(guest), 0);
    expect(await driverState(guest)).toBe(before);
    await removeVfs(guest);
  });

  test('a blacklisted and a missing driver are told apart, before anything is changed', async ({
    guest,
  }) => {
    await guest.sh(`
      modprobe -r igbvf
      echo 'blacklist igbvf' >/etc/modprobe.d/no-vfs.conf
    `);
    const before = await driverState(guest);
    const two = ['--pf', 'enp1s0f0', '--vfs', '2'];
    const blacklisted = await expectExit(setup(guest, ...two), 4);
    expect(blacklisted.stderr).toContain('/etc/modprobe.d/no-vfs.conf:1');
    // Nobody needs it for vfio-pci.
    await expectSuccess(setup(guest, ...two, '--vf-driver', 'vfio-pci'));
    await removeVfs(guest);
    await guest.sh('rm /etc/modprobe.d/no-vfs.conf');

    const folder = await guest.sh('echo /lib/modules/$(uname -r)');
    const file = await guest.sh(`find ${folder}/ -name 'igbvf.ko*'`);
    await guest.sh(`mv ${file} /root/; depmod`);
    const missing = await expectExit(setup(guest, ...two), 4);
    expect(missing.stderr).toContain(`there is no igbvf.ko in ${folder}`);
    expect(missing.stderr).toContain('Install linux-image-');
    await guest.sh(`mv /root/igbvf.ko* ${file}; depmod`);
    expect(await driverState(guest)).toBe(before);
  });
});
