import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { repositoryRoot } from '../guest.ts';
import { scenario } from '../scenario.ts';

const test = scenario();

/** Every file of the guest that a package could leave behind. */
const everyFile =
  "find /etc /usr /var/lib -xdev -not -path '/var/lib/dpkg/*' -not -path '/var/lib/sriovctl*' -not -path '/var/cache/*' -printf '%p %y %l\\n' | sort";

/** Runs a script of this repository; gives the path that it prints. */
const make = (script: string, ...args: readonly string[]): string =>
  path.resolve(
    repositoryRoot,
    execFileSync(process.execPath, [`scripts/${script}.mjs`, ...args], {
      cwd: repositoryRoot,
      encoding: 'utf8',
    }).trim(),
  );

test('the executable and its Debian package work on a system without Node.js, and leave no trace', async ({
  guest,
}) => {
  const out = path.join(guest.share, 'packages');
  mkdirSync(out, { recursive: true });
  const executable = make('make-executable', '--out', out);
  const deb = make('make-deb', executable, '--out', out);
  const inGuest = (file: string): string => `/mnt/share/packages/${path.basename(file)}`;

  await guest.sh(
    "dpkg --purge $(dpkg-query -W -f '${Package}\\n' nodejs 'libnode*' 'node-*' 2>/dev/null) && rm /usr/local/bin/sriovctl",
  );
  expect(await guest.sh('command -v node nodejs || echo none')).toBe('none');

  const list = await guest.sh(`${inGuest(executable)} list`);
  expect(list).toContain('enp1s0f0');
  expect(list).toContain('0 of 7 VFs');

  const before = await guest.sh(everyFile);
  await guest.sh(`dpkg -i ${inGuest(deb)}`);
  expect(await guest.sh('command -v sriovctl')).toBe('/usr/bin/sriovctl');
  expect(await guest.sh('dpkg --verify sriovctl')).toBe('');
  expect(await guest.sh('zcat /usr/share/man/man8/sriovctl-setup.8.gz | head -1')).toContain(
    'SRIOVCTL-SETUP',
  );
  expect(
    await guest.sh(
      'bash -c \'source /usr/share/bash-completion/completions/sriovctl; compopt() { :; }; COMP_LINE="sriovctl setup --pf enp"; COMP_POINT=${#COMP_LINE}; _sriovctl; echo "${COMPREPLY[@]}"\'',
    ),
  ).toBe('enp1s0f0 enp1s0f1');
  await guest.sh('systemd-analyze verify --man=no sriovctl-setup.service');

  const pfs = ['--pf', 'enp1s0f0', '--vfs', '2', '--no-kube', '--no-persist'];
  expect(await guest.run(['sriovctl', 'setup', ...pfs])).toMatchObject({ exitCode: 0 });
  expect(await guest.run(['sriovctl', 'verify', ...pfs])).toMatchObject({ exitCode: 0 });

  // The unit does what the spec file says, as at each boot once it is enabled.
  const spec = 'pfs:\n  - pf: enp1s0f1\n    vfs: 3\npersist: none\nkube:\n  mode: off\n';
  await guest.sh(`mkdir /etc/sriovctl && printf '${spec}' >/etc/sriovctl/node.yaml`);
  await guest.sh('systemctl start sriovctl-setup.service');
  expect(await guest.sh('cat /sys/bus/pci/devices/0000:01:00.1/sriov_numvfs')).toBe('3');
  expect(await guest.sh('journalctl -b -o cat -u sriovctl-setup')).toContain('Done: ');
  await guest.sh('rm -r /etc/sriovctl');

  await guest.sh('dpkg -r sriovctl');
  expect(await guest.sh(everyFile)).toBe(before);
  // The package goes, the VFs that somebody may use stay.
  expect(await guest.sh('cat /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs')).toBe('2');
});
