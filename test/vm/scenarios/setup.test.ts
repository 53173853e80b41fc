import { describe, expect } from 'vitest';
import type { Guest } from '../guest.ts';
import { scenario } from '../scenario.ts';

const test = scenario();
const pf = '/sys/bus/pci/devices/0000:01:00.0';
const wanted = ['--pf', 'enp1s0f0', '--vfs', '4'] as const;
const places = ['0000:01:10.0', '0000:01:10.2', '0000:01:10.4', '0000:01:10.6'];

const sriovctl = (guest: Guest, ...args: string[]) => guest.run(['sriovctl', ...args]);

/** Every path of the host that a run could change, with contents where they can be read. */
const hostState = (guest: Guest): Promise<string> =>
  guest.sh(`
    mkdir -p /var/lib/sriovctl
    find /etc /boot /var/lib/sriovctl -xdev -printf '%p %m %U %G %s %T@ %l\\n' | sort
    find /sys/devices/pci* /sys/bus/pci /sys/class/net /sys/module -printf '%p %m %l\\n' | sort
    grep -s . ${pf}/sriov_* ${pf}/../*/driver_override /sys/class/net/*/flags /sys/class/net/*/mtu || true
    cat /proc/cmdline; lsmod | cut -d' ' -f1 | sort
  `);

const removeVfs = (guest: Guest) =>
  guest.sh('for port in 0 1; do echo 0 >/sys/bus/pci/devices/0000:01:00.$port/sriov_numvfs; done');

describe('setup on an unmodified Debian kernel', () => {
  test('a dry run writes nothing and predicts the addresses of the VFs', async ({ guest }) => {
    const before = await hostState(guest);
    const dryRun = await guest.run([
      'strace',
      '-f',
      '-y',
      '-e',
      'trace=openat,open,creat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat',
      '-o',
      '/tmp/strace.log',
      'sriovctl',
      'setup',
      ...wanted,
      '--dry-run',
      '--no-kube',
      '--no-persist',
    ]);
    expect(dryRun.exitCode).toBe(0);
    for (const place of places) expect(dryRun.stdout).toContain(place);
    expect(dryRun.stdout).toContain('sriov_numvfs: 0 → 4');

    expect(await hostState(guest)).toBe(before);
    const writes = await guest.sh(
      "grep -E 'O_WRONLY|O_RDWR|O_CREAT|rename|unlink|mkdir' /tmp/strace.log | grep -E '\"/(sys|etc)/' || true",
    );
    expect(writes).toBe('');
  });

  test('four VFs come up that lspci and ip show', async ({ guest }) => {
    const setup = await sriovctl(guest, 'setup', ...wanted, '--no-kube', '--no-persist');
    expect(setup.exitCode, setup.stderr + setup.stdout).toBe(0);
    expect(setup.stderr).toContain('sriov_numvfs: 0 → 4');
    for (const place of places) expect(setup.stdout).toContain(place);

    const slots = await guest.sh("lspci -D -d 8086:10ca | cut -d' ' -f1");
    expect(slots.split('\n')).toEqual(places);
    const links = JSON.parse(await guest.sh('ip -j link')) as { readonly ifname: string }[];
    const names = links.map(({ ifname }) => ifname);
    for (const index of [0, 1, 2, 3]) expect(names).toContain(`enp1s0f0v${index}`);
    expect(await guest.sh('cat /sys/class/net/enp1s0f0v0/operstate')).not.toBe('');
  });

  test('a second run changes nothing and says so', async ({ guest }) => {
    const before = await guest.sh(
      `stat -c %Y ${pf}/virtfn0; cat /sys/class/net/enp1s0f0v*/address`,
    );
    const second = await sriovctl(guest, 'setup', ...wanted, '--no-kube', '--no-persist');
    expect(second).toMatchObject({ exitCode: 0 });
    expect(second.stderr).toContain('Nothing to do');
    expect(await guest.sh(`stat -c %Y ${pf}/virtfn0; cat /sys/class/net/enp1s0f0v*/address`)).toBe(
      before,
    );
  });

  test('verify agrees, and names what is missing after the VFs are removed', async ({ guest }) => {
    expect(await sriovctl(guest, 'verify', ...wanted, '--no-kube', '--no-persist')).toMatchObject({
      exitCode: 0,
    });
    await guest.sh(`echo 0 >${pf}/sriov_numvfs`);
    const verify = await sriovctl(guest, 'verify', ...wanted, '--no-kube', '--no-persist');
    expect(verify).toMatchObject({ exitCode: 1 });
    expect(verify.stdout).toContain('enp1s0f0 has 0 VFs');
  });

  test('several PFs at once, named by address, altname and permanent MAC', async ({ guest }) => {
    const [altname] = JSON.parse(
      await guest.sh("ip -j link show enp1s0f1 | jq '.[0].altnames // []'"),
    ) as string[];
    const second = altname ?? '52:54:00:00:01:01';
    const both = await sriovctl(
      guest,
      'setup',
      '--pf',
      '0000:01:00.0',
      '--vfs',
      '2',
      '--pf',
      second,
      '--vfs',
      '1',
      '--no-kube',
      '--no-persist',
    );
    expect(both).toMatchObject({ exitCode: 0 });
    expect(await guest.sh('cat /sys/bus/pci/devices/0000:01:00.?/sriov_numvfs')).toBe('2\n1');
    const byMac = ['--pf', '52:54:00:00:01:01', '--vfs', '1', '--no-kube', '--no-persist'];
    expect(await sriovctl(guest, 'verify', ...byMac)).toMatchObject({ exitCode: 0 });
    await removeVfs(guest);
  });

  test('refuses what cannot be, and changes nothing', async ({ guest }) => {
    const before = await hostState(guest);
    for (const { words, exitCode, says } of [
      { words: ['--pf', 'enp9s9', '--vfs', '4'], exitCode: 4, says: 'enp1s0f1' },
      { words: ['--pf', 'enp1s0f0', '--vfs', '8'], exitCode: 4, says: 'at most 7' },
      { words: ['--pf', 'enp1s0f0', '--vfs', '-1'], exitCode: 2, says: 'whole number' },
      { words: ['--pf', 'enp1s0f0', '--vfs', 'x'], exitCode: 2, says: 'whole number' },
      { words: ['--pf', '../../etc', '--vfs', '4'], exitCode: 2, says: '../../etc' },
    ]) {
      const refused = await sriovctl(guest, 'setup', ...words, '--no-kube', '--no-persist');
      expect(refused.exitCode, words.join(' ')).toBe(exitCode);
      expect(refused.stderr).toContain(says);
    }
    expect(await hostState(guest)).toBe(before);
  });

  test('refuses a VF as PF, another count without --recreate, and a user who is not root', async ({
    guest,
  }) => {
    await guest.sh(`echo 2 >${pf}/sriov_numvfs; udevadm settle`);
    const before = await hostState(guest);
    const vf = await sriovctl(
      guest,
      'setup',
      '--pf',
      'enp1s0f0v0',
      '--vfs',
      '1',
      '--no-kube',
      '--no-persist',
    );
    expect(vf).toMatchObject({ exitCode: 4 });
    expect(vf.stderr).toContain('enp1s0f0 (0000:01:00.0');
    const other = await sriovctl(guest, 'setup', ...wanted, '--no-kube', '--no-persist');
    expect(other).toMatchObject({ exitCode: 4 });
    expect(other.stderr).toContain('--recreate');
    const user = await guest.run([
      'setpriv',
      '--reuid',
      '65534',
      '--clear-groups',
      'sriovctl',
      'setup',
      ...wanted,
    ]);
    expect(user).toMatchObject({ exitCode: 4 });
    expect(user.stderr).toContain('root');
    expect(await hostState(guest)).toBe(before);

    const recreated = await sriovctl(
      guest,
      'setup',
      ...wanted,
      '--no-kube',
      '--no-persist',
      '--recreate',
    );
    expect(recreated).toMatchObject({ exitCode: 0 });
    expect(await guest.sh(`cat ${pf}/sriov_numvfs`)).toBe('4');
    await removeVfs(guest);
  });

  test('8 VFs of an unbound PF are refused by the rehearsal, before its driver is loaded', async ({
    guest,
  }) => {
    await guest.sh('echo 0000:01:00.0 >/sys/bus/pci/drivers/igb/unbind');
    expect(await guest.sh(`cat ${pf}/sriov_totalvfs`)).toBe('8');
    const refused = await sriovctl(
      guest,
      'setup',
      '--pf',
      '0000:01:00.0',
      '--vfs',
      '8',
      '--no-kube',
      '--no-persist',
    );
    expect(refused).toMatchObject({ exitCode: 4 });
    expect(await guest.sh(`[ -e ${pf}/driver ] && echo bound || echo unbound`)).toBe('unbound');

    const seven = await sriovctl(
      guest,
      'setup',
      '--pf',
      '0000:01:00.0',
      '--vfs',
      '7',
      '--no-kube',
      '--no-persist',
    );
    expect(seven.exitCode, seven.stderr).toBe(0);
    expect(await guest.sh(`ls -d ${pf}/virtfn* | wc -l`)).toBe('7');
  });
});
