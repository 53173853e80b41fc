import { describe, expect } from 'vitest';
import type { Guest } from '../guest.ts';
import { scenario } from '../scenario.ts';
import { bindToVfio, holdThroughVfio } from './vfio-holder.ts';

const test = scenario();
const pf = '/sys/bus/pci/devices/0000:01:00.0';
const held = '0000:01:10.2';
const writeSeconds = 3;

const setup = (guest: Guest, ...flags: readonly string[]) =>
  guest.run(['sriovctl', 'setup', '--pf', 'enp1s0f0=4', '--only', 'driver,vfs', ...flags], {
    env: { SRIOVCTL_WRITE_TIMEOUT: String(writeSeconds) },
  });

describe('a write that the kernel does not finish because somebody holds a VF through vfio', () => {
  test('is given up at its deadline with the reason, and the next run after that user converges', async ({
    guest,
  }) => {
    await guest.sh(`
      ip link set enp1s0f0 up
      echo 2 >${pf}/sriov_numvfs
      udevadm settle
    `);
    await bindToVfio(guest, held);
    const holder = await holdThroughVfio(guest, held);

    const started = Date.now();
    const stuck = await setup(guest, '--recreate', '--force');
    const took = Date.now() - started;
    expect(stuck).toMatchObject({ exitCode: 5 });
    expect(stuck.stderr).toContain(
      `the kernel waits until the user of ${held} lets it go (vfio) [WRITE_STILL_RUNNING]`,
    );
    expect(stuck.stderr).toContain('perl');
    expect(stuck.stderr).toContain('the kernel is still working on');
    expect(took).toBeGreaterThan(writeSeconds * 1000);
    expect(took).toBeLessThan(60_000);

    const meanwhile = await setup(guest, '--recreate');
    expect(meanwhile).toMatchObject({ exitCode: 4 });
    expect(meanwhile.stderr).toContain('the kernel is still working on the VFs of enp1s0f0');
    const list = await guest.run(['sriovctl', 'list']);
    expect(list).toMatchObject({ exitCode: 0 });

    holder.kill('SIGKILL');
    await guest.sh(
      `timeout 60 sh -c 'until [ "$(cat ${pf}/sriov_numvfs)" = 0 ]; do sleep 0.2; done'`,
    );
    const converged = await setup(guest);
    expect(converged).toMatchObject({ exitCode: 0 });
    expect(await guest.sh(`cat ${pf}/sriov_numvfs; ls -d ${pf}/virtfn* | wc -l`)).toBe('4\n4');
  });
});
