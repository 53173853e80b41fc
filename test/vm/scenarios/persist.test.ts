import { describe, expect, onTestFinished } from 'vitest';
import type { Guest } from '../guest.ts';
import { scenario } from '../scenario.ts';
import { bootJournal, type Entry, textsFrom, timeOf } from './boot-journal.ts';

const test = scenario();
/** An emulated machine beside others may take minutes for what takes seconds. */
const patient = { timeoutMs: 900_000 };
const ports = ['0000:01:00.0', '0000:01:00.1'] as const;
const bootUnit = 'sriovctl-boot.service';
const networkPre = 'network-pre.target';
const kubelet = 'kubelet.service';

/** The first port by a name that one of the boots gives away. */
const wanted = [
  ...['--pf', 'enp1s0f0', '--vfs', '4', '--mac-policy', 'stable'],
  ...['--vf', '0:vlan=100,qos=3', '--vf', '1:spoofchk=off,trust=on', '--vf', '2-3:driver=vfio-pci'],
  ...['--pf', ports[1], '--vfs', '3', '--mac-policy', 'stable', '--mtu', '2000'],
  ...['--vf', '2:mtu=1800'],
] as const;

const sriovctl = (guest: Guest, ...args: readonly string[]) =>
  guest.run(['sriovctl', ...args, '--no-kube'], patient);

const setUp = async (guest: Guest, ...args: readonly string[]): Promise<void> => {
  const done = await sriovctl(guest, 'setup', ...args);
  expect(done, done.stderr).toMatchObject({ exitCode: 0 });
};

/** All that was wanted, in words that are the same whatever netdevs are called. */
const showVfs = '/usr/local/bin/show-vfs';
const showVfsScript = `#!/bin/bash
for pf in ${ports.map((port) => `/sys/bus/pci/devices/${port}`).join(' ')}; do
  echo "\${pf##*/} has $(cat $pf/sriov_numvfs) VFs, probes $(cat $pf/sriov_drivers_autoprobe), MTU $(cat $pf/net/*/mtu)"
  for vf in $pf/virtfn*; do
    driver=$(readlink $vf/driver)
    echo "\${vf##*/} $(readlink $vf) \${driver##*/} override $(cat $vf/driver_override) MTU $(cat $vf/net/*/mtu 2>/dev/null || echo none)"
  done
  ip -j link show dev "$(ls $pf/net | head -n 1)" | jq -c '.[0].vfinfo_list[]'
done
`;

/** Stands in for the real one: what it prints is what a device plugin would find. */
const kubeletUnit = `[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${showVfs}
SyslogIdentifier=kubelet
`;

/** Every file of /etc: kind, mode, owner, target and content. */
const etcOf = (guest: Guest): Promise<string> =>
  guest.sh(
    `find /etc -printf '%p %y %m %U:%G %l\\n' | sort; find /etc -type f -print0 | sort -z | xargs -0 sha256sum`,
    patient,
  );

/** Restarts, and waits until all that a boot starts has ended. */
const reboot = async (guest: Guest): Promise<readonly Entry[]> => {
  await guest.reboot();
  await guest.run(['systemctl', 'is-system-running', '--wait'], patient);
  return bootJournal(guest);
};

const failedUnits = (guest: Guest): Promise<string> =>
  guest.sh('systemctl --failed --plain --no-legend');

const vfsSeen = (journal: readonly Entry[]): string => textsFrom(journal, 'kubelet').join('\n');

const saidAtBoot = (journal: readonly Entry[]): readonly string[] => textsFrom(journal, 'sriovctl');

/** When the kernel has found the last VF. */
const lastVfFound = (journal: readonly Entry[]): number =>
  Math.max(
    ...journal
      .filter(({ from, text }) => from === 'kernel' && text.includes('[8086:10ca]'))
      .map(({ at }) => at),
  );

const expectInOrder = (journal: readonly Entry[]): void => {
  const finished = timeOf(journal, 'started', bootUnit);
  expect(lastVfFound(journal)).toBeLessThan(finished);
  expect(finished).toBeLessThanOrEqual(timeOf(journal, 'started', networkPre));
  expect(finished).toBeLessThanOrEqual(timeOf(journal, 'starting', kubelet));
};

/** How long the network had to wait for the unit, in milliseconds. */
const networkWaited = (journal: readonly Entry[]): number =>
  timeOf(journal, 'started', networkPre) - timeOf(journal, 'starting', bootUnit);

/** What the unit took, and what of it was the kernel's. */
const report = (journal: readonly Entry[]): void => {
  const [from, to] = [timeOf(journal, 'starting', bootUnit), timeOf(journal, 'started', bootUnit)];
  const within = journal.filter(({ at }) => at >= from - 50 && at <= to + 50);
  console.log(
    [
      `${bootUnit} took ${Math.round(to - from)} ms, from ${Math.round(from)} ms on:`,
      ...within
        .filter((entry) => entry.from === 'sriovctl' || /igb|vfio|10ca/.test(entry.text))
        .map(({ at, from: who, text }) => `  ${Math.round(at)} ${who}: ${text}`),
    ].join('\n'),
  );
};

describe('VFs after a reboot', { timeout: 3_600_000 }, () => {
  let etc = '';
  let vfs = '';

  test('both ports have theirs again, with all settings, before the network and kubelet start', async ({
    guest,
  }) => {
    await guest.writeText(showVfs, showVfsScript);
    await guest.writeText(`/etc/systemd/system/${kubelet}`, kubeletUnit);
    await guest.sh(`chmod +x ${showVfs}; systemctl add-wants multi-user.target ${kubelet}`);
    // That there is one is all that is asked.
    await guest.writeText('/usr/sbin/NetworkManager', '');
    etc = await etcOf(guest);

    await setUp(guest, ...wanted);
    vfs = await guest.sh(showVfs);
    expect(vfs).toContain('0000:01:00.0 has 4 VFs');
    expect(vfs).toContain('virtfn3 ../0000:01:10.6 vfio-pci override vfio-pci');
    expect(vfs).toContain('virtfn2 ../0000:01:10.5 igbvf override (null) MTU 1800');
    // By path: a colon in a name would be read as FILE:ALIAS.
    const units = [bootUnit, 'sriovctl-pf@.service'].map((name) => `/etc/systemd/system/${name}`);
    const verified = await guest.run(['systemd-analyze', 'verify', ...units], patient);
    expect(verified).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    await guest.sh('udevadm verify /etc/udev/rules.d/90-sriovctl*.rules');

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
    expect(await guest.sh(showVfs)).toBe(vfs);
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
    expect(await guest.sh(showVfs)).toBe(vfs);
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
    expect(networkWaited(journal)).toBeLessThan(5_000);
    expect(timeOf(journal, 'started', bootUnit)).toBeLessThan(timeOf(journal, 'starting', kubelet));
    expect(await failedUnits(guest)).toBe('');

    await guest.sh('modprobe igb; udevadm settle', patient);
    // Asked for the state alone: udev is who starts them.
    const units = ports.map((port) => `sriovctl-pf@${port}.service`).join(' ');
    await guest.sh(`until systemctl is-active ${units} >/dev/null; do sleep 1; done`, patient);
    const late = await bootJournal(guest);
    expect(saidAtBoot(late).filter((text) => text.includes('VFs made'))).toHaveLength(2);
    expect(await guest.sh(showVfs)).toBe(vfs);
  });

  test('a script that is not the one installed is not run, and setup puts it right', async ({
    guest,
  }) => {
    await guest.sh("printf '\\0' | dd of=/etc/sriovctl/boot.sh bs=1 seek=4000 conv=notrunc");
    const journal = await reboot(guest);
    expect(new Set(saidAtBoot(journal))).toEqual(
      new Set([
        '/etc/sriovctl/boot.sh is not the script that was installed: nothing is done; run sriovctl setup again',
      ]),
    );
    expect(vfsSeen(journal)).toContain('0000:01:00.0 has 0 VFs');
    expect(vfsSeen(journal)).toContain('0000:01:00.1 has 0 VFs');
    expect(await guest.sh('systemctl is-active multi-user.target')).toBe('active');
    expect(await sriovctl(guest, 'verify', ...wanted)).toMatchObject({ exitCode: 1 });
    await setUp(guest, ...wanted, '--persist', 'rc-local');
    expect(await guest.sh(showVfs)).toBe(vfs);
    expect(await failedUnits(guest)).toBe('');
  });

  test('rc.local does the same, late', async ({ guest }) => {
    const journal = await reboot(guest);
    expect(await guest.sh(showVfs)).toBe(vfs);
    expect(journal.filter(({ unit }) => unit === bootUnit)).toEqual([]);
    expect(timeOf(journal, 'started', 'rc-local.service')).toBeGreaterThan(
      timeOf(journal, 'started', 'basic.target'),
    );
    expect(await sriovctl(guest, 'verify', ...wanted, '--persist', 'rc-local')).toMatchObject({
      exitCode: 0,
    });
    await setUp(guest, ...wanted);
  });

  test('teardown leaves a host that boots as if we had never been there', async ({ guest }) => {
    const torn = await sriovctl(guest, 'teardown', '--pf', ports[0], '--pf', ports[1]);
    expect(torn, torn.stderr).toMatchObject({ exitCode: 0 });
    expect(await etcOf(guest)).toBe(etc);
    const journal = await reboot(guest);
    expect(await etcOf(guest)).toBe(etc);
    expect(saidAtBoot(journal)).toEqual([]);
    expect(vfsSeen(journal)).toContain('0000:01:00.0 has 0 VFs');
    expect(vfsSeen(journal)).toContain('0000:01:00.1 has 0 VFs');
    const units = `systemctl list-units --all --plain --no-legend 'sriovctl-*' | grep -v vm-agent || true`;
    expect(await guest.sh(units)).toBe('');
  });

  test('without its card the host comes up clean, after five seconds at most', async ({
    guest,
  }) => {
    await setUp(guest, ...wanted);
    await guest.pullCard();
    const journal = await reboot(guest);
    report(journal);
    expect(saidAtBoot(journal)).toEqual(
      ports.map((port) => `${port}: there is no card at this address: nothing is done`),
    );
    expect(networkWaited(journal)).toBeLessThan(5_000);
    expect(await failedUnits(guest)).toBe('');
    const torn = await sriovctl(guest, 'teardown', '--pf', 'enp1s0f0', '--pf', ports[1]);
    expect(torn, torn.stderr).toMatchObject({ exitCode: 0 });
    expect(await etcOf(guest)).toBe(etc);
  });
});
