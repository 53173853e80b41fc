import { expect } from 'vitest';
import type { Guest } from '../guest.ts';
import { bootJournal, type Entry, textsFrom, timeOf } from './boot-journal.ts';

/** An emulated machine beside others may take minutes for what takes seconds. */
export const patient = { timeoutMs: 900_000 };
export const ports = ['0000:01:00.0', '0000:01:00.1'] as const;
export const bootUnit = 'sriovctl-boot.service';
const networkPre = 'network-pre.target';
export const kubelet = 'kubelet.service';

/** The first port by a name that one of the boots gives away. */
export const wanted = [
  ...['--pf', 'enp1s0f0', '--vfs', '4', '--mac-policy', 'stable'],
  ...['--vf', '0:vlan=100,qos=3', '--vf', '1:spoofchk=off,trust=on', '--vf', '2-3:driver=vfio-pci'],
  ...['--pf', ports[1], '--vfs', '3', '--mac-policy', 'stable', '--mtu', '2000'],
  ...['--vf', '2:mtu=1800'],
] as const;

export const sriovctl = (guest: Guest, ...args: readonly string[]) =>
  guest.run(['sriovctl', ...args, '--no-kube'], patient);

export const setUp = async (guest: Guest, ...args: readonly string[]): Promise<void> => {
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
export const etcOf = (guest: Guest): Promise<string> =>
  guest.sh(
    `find /etc -printf '%p %y %m %U:%G %l\\n' | sort; find /etc -type f -print0 | sort -z | xargs -0 sha256sum`,
    patient,
  );

/** Restarts, and waits until all that a boot starts has ended. */
export const reboot = async (guest: Guest): Promise<readonly Entry[]> => {
  await guest.reboot();
  await guest.run(['systemctl', 'is-system-running', '--wait'], patient);
  return bootJournal(guest);
};

export const failedUnits = (guest: Guest): Promise<string> =>
  guest.sh('systemctl --failed --plain --no-legend', patient);

export const vfsNow = (guest: Guest): Promise<string> => guest.sh(showVfs, patient);

export const vfsSeen = (journal: readonly Entry[]): string =>
  textsFrom(journal, 'kubelet').join('\n');

export const saidAtBoot = (journal: readonly Entry[]): readonly string[] =>
  textsFrom(journal, 'sriovctl');

/** When the kernel has found the last VF. */
const lastVfFound = (journal: readonly Entry[]): number =>
  Math.max(
    ...journal
      .filter(({ from, text }) => from === 'kernel' && text.includes('[8086:10ca]'))
      .map(({ at }) => at),
  );

export const expectInOrder = (journal: readonly Entry[]): void => {
  const finished = timeOf(journal, 'started', bootUnit);
  expect(lastVfFound(journal)).toBeLessThan(finished);
  expect(finished).toBeLessThanOrEqual(timeOf(journal, 'started', networkPre));
  expect(finished).toBeLessThanOrEqual(timeOf(journal, 'starting', kubelet));
};

/** How long the network had to wait for the unit, in milliseconds. */
export const networkWaited = (journal: readonly Entry[]): number =>
  timeOf(journal, 'started', networkPre) - timeOf(journal, 'starting', bootUnit);

/** What the unit took, and what of it was the kernel's. */
export const report = (journal: readonly Entry[]): void => {
  const [from, to] = [timeOf(journal, 'starting', bootUnit), timeOf(journal, 'started', bootUnit)];
  const within = journal.filter(({ at }) => at >= from - 50 && at <= to + 50);
  const made = saidAtBoot(journal).map((text) => Number(/ VFs made in (\d+) ms/.exec(text)?.[1]));
  const writes = made.filter((ms) => ms > 0).reduce((sum, ms) => sum + ms, 0);
  // The PFs have their drivers and names: what comes before is not waited for by choice.
  const ready = Math.max(
    from,
    ...within.filter(({ text }) => /^igb .* renamed from eth/.test(text)).map(({ at }) => at),
  );
  console.log(
    [
      `${bootUnit} took ${Math.round(to - from)} ms from ${Math.round(from)} ms on, ${Math.round(to - ready)} ms of it with the PFs there, ${writes} ms of these within the writes that make VFs; the network waited ${Math.round(networkWaited(journal))} ms:`,
      ...within
        .filter((entry) => entry.from === 'sriovctl' || /igb|vfio|10ca/i.test(entry.text))
        .map(({ at, from: who, text }) => `  ${Math.round(at)} ${who}: ${text}`),
    ].join('\n'),
  );
};

/** A stand-in kubelet and what else is looked for, before `sriovctl` comes. */
export const prepareHost = async (guest: Guest): Promise<void> => {
  await guest.writeText(showVfs, showVfsScript);
  await guest.writeText(`/etc/systemd/system/${kubelet}`, kubeletUnit);
  await guest.sh(`chmod +x ${showVfs}; systemctl add-wants multi-user.target ${kubelet}`);
  // That there is one is all that is asked.
  await guest.writeText('/usr/sbin/NetworkManager', '');
};
