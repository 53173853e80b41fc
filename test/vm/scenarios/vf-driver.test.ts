import { describe, expect } from 'vitest';
import type { Guest } from '../guest.ts';
import { scenario } from '../scenario.ts';

const test = scenario();
/** An emulated machine beside others may take a minute for what takes a second. */
const patient = { timeoutMs: 280_000 };
const devices = '/sys/bus/pci/devices';
const pf = `${devices}/0000:01:00.0`;

const setup = (guest: Guest, ...args: string[]) =>
  guest.run(['sriovctl', 'setup', '--no-kube', '--no-persist', ...args], patient);

const removeVfs = (guest: Guest) =>
  guest.sh(
    `for port in 0 1; do echo 0 >${devices}/0000:01:00.$port/sriov_numvfs; done; udevadm settle`,
  );

const driversOf = (guest: Guest, port = 0): Promise<string> =>
  guest.sh(
    `for vf in ${devices}/0000:01:00.${port}/virtfn*; do basename "$(readlink $vf/driver || echo none)"; done`,
  );

const declaredState = (guest: Guest): Promise<string> =>
  guest.sh(`
    cd ${devices}
    grep -s . 0000:01:*/sriov_numvfs 0000:01:*/sriov_drivers_autoprobe 0000:01:*/driver_override || true
    for function in 0000:01:*; do echo "$function $(readlink $function/driver || true)"; done
  `);

describe('drivers of VFs on the real kernel', { timeout: 1_200_000 }, () => {
  test('half the VFs go to vfio-pci and half to igbvf, on two PFs at once', async ({ guest }) => {
    const done = await setup(
      guest,
      ...['--pf', 'enp1s0f0', '--vfs', '4', '--vf', '0-1:driver=vfio-pci'],
      ...['--pf', 'enp1s0f1', '--vfs', '2', '--vf', '1:driver=vfio-pci'],
    );
    expect(done).toMatchObject({ exitCode: 0 });
    expect(done.stderr).not.toContain('Other than rehearsed');
    expect(await driversOf(guest)).toBe('vfio-pci\nvfio-pci\nigbvf\nigbvf');
    expect(await driversOf(guest, 1)).toBe('igbvf\nvfio-pci');
    expect(await guest.sh('ls /dev/vfio | grep -c "^[0-9]"')).toBe('3');
    expect(await guest.sh('ls /sys/class/net')).toContain('enp1s0f0v3');
    expect(await guest.sh(`cat ${pf}/sriov_drivers_autoprobe`)).toBe('1');
  });

  test('VFs change their driver without being made anew, and undo gives them the old one', async ({
    guest,
  }) => {
    const before = await declaredState(guest);
    const made = await guest.sh(`stat -c %Y ${pf}/virtfn0`);
    const kernel = ['--pf', 'enp1s0f0', '--vfs', '4', '--vf-driver', 'kernel'];
    expect(await setup(guest, ...kernel)).toMatchObject({ exitCode: 0 });
    expect(await driversOf(guest)).toBe('igbvf\nigbvf\nigbvf\nigbvf');
    expect(await guest.sh(`stat -c %Y ${pf}/virtfn0`)).toBe(made);
    expect(await guest.run(['sriovctl', 'undo'], patient)).toMatchObject({ exitCode: 0 });
    expect(await declaredState(guest)).toBe(before);
    await removeVfs(guest);
  });

  test('a blacklisted and a missing driver are told apart, before anything is changed', async ({
    guest,
  }) => {
    await guest.sh(`
      modprobe -r igbvf
      echo 'blacklist igbvf' >/etc/modprobe.d/no-vfs.conf
    `);
    const before = await declaredState(guest);
    const blacklisted = await setup(guest, '--pf', 'enp1s0f0', '--vfs', '2');
    expect(blacklisted).toMatchObject({ exitCode: 4 });
    expect(blacklisted.stderr).toContain('/etc/modprobe.d/no-vfs.conf:1');
    // Nobody needs it for vfio-pci.
    const vfio = await setup(guest, '--pf', 'enp1s0f0', '--vfs', '2', '--vf-driver', 'vfio-pci');
    expect(vfio).toMatchObject({ exitCode: 0 });
    await removeVfs(guest);
    await guest.sh('rm /etc/modprobe.d/no-vfs.conf');

    const folder = await guest.sh('echo /lib/modules/$(uname -r)');
    const file = await guest.sh(`find ${folder}/ -name 'igbvf.ko*'`);
    await guest.sh(`mv ${file} /root/; depmod`);
    const missing = await setup(guest, '--pf', 'enp1s0f0', '--vfs', '2');
    expect(missing).toMatchObject({ exitCode: 4 });
    expect(missing.stderr).toContain(`there is no igbvf.ko in ${folder}`);
    expect(missing.stderr).toContain('Install linux-image-');
    await guest.sh(`mv /root/igbvf.ko* ${file}; depmod`);
    expect(await declaredState(guest)).toBe(before);
  });

  test('VFs for vfio-pci: made without probing, and rebound after it', async ({ guest }) => {
    // The same number of VFs and the same end state both ways, three times each.
    const script = (autoprobe: 0 | 1) => `
      modprobe vfio-pci; modprobe igbvf; ip link set enp1s0f0 up; sleep 1
      echo ${autoprobe} >${pf}/sriov_drivers_autoprobe
      start=$(date +%s%N)
      echo 7 >${pf}/sriov_numvfs
      made=$(date +%s%N)
      for vf in ${pf}/virtfn*; do
        address=$(readlink $vf); address=\${address#../}
        echo vfio-pci >$vf/driver_override
        [ ! -e $vf/driver ] || echo $address >$vf/driver/unbind
        echo $address >/sys/bus/pci/drivers/vfio-pci/bind
      done
      ready=$(date +%s%N)
      echo $(((made - start) / 1000000)) $(((ready - start) / 1000000))
      echo 1 >${pf}/sriov_drivers_autoprobe; echo 0 >${pf}/sriov_numvfs; udevadm settle
    `;
    const times: Record<0 | 1, { readonly made: number; readonly ready: number }[]> = {
      0: [],
      1: [],
    };
    for (let round = 0; round < 3; round += 1) {
      for (const autoprobe of [0, 1] as const) {
        const [made = 0, ready = 0] = (await guest.sh(script(autoprobe))).split(' ').map(Number);
        times[autoprobe].push({ made, ready });
      }
    }
    const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[1] ?? 0;
    const ready = {
      off: median(times[0].map((t) => t.ready)),
      on: median(times[1].map((t) => t.ready)),
    };
    console.log(
      `7 VFs for vfio-pci: ${ready.off} ms with probing off, ${ready.on} ms with probing on and rebinding: ratio ${(ready.off / ready.on).toFixed(2)}`,
    );
    console.log(`of which sriov_numvfs alone: ${JSON.stringify(times)}`);
    expect(ready.off).toBeLessThan(ready.on);
  });
});
