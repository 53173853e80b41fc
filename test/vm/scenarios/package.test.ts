import { execFileSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { repositoryRoot } from '../guest.ts';
import { scenario } from '../scenario.ts';

const test = scenario();

/** Every file of the guest that a package could leave behind. */
const everyFile =
  "find /etc /usr /var/lib -xdev -not -path '/var/lib/dpkg/*' -not -path '/var/lib/sriovctl*' -not -path '/var/cache/*' -printf '%p %y %l\\n' | sort";

test('the Debian package is installed, works and is removed without a trace', async ({ guest }) => {
  const out = path.join(guest.share, 'deb');
  const file = execFileSync(process.execPath, ['scripts/make-deb.mjs', '--out', 'release'], {
    cwd: repositoryRoot,
    encoding: 'utf8',
  }).trim();
  execFileSync('mkdir', ['-p', out]);
  copyFileSync(path.join(repositoryRoot, file), path.join(out, 'sriovctl.deb'));
  // Out of the way: what the harness itself put into the guest.
  await guest.sh('mv /usr/local/bin/sriovctl /root/sriovctl.of-the-harness');
  const before = await guest.sh(everyFile);

  await guest.sh('dpkg -i /mnt/share/deb/sriovctl.deb');
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

  const setup = await guest.run([
    'sriovctl',
    'setup',
    '--pf',
    'enp1s0f0',
    '--vfs',
    '2',
    '--no-kube',
    '--no-persist',
  ]);
  expect(setup).toMatchObject({ exitCode: 0 });

  await guest.sh('dpkg -r sriovctl');
  expect(await guest.sh(everyFile)).toBe(before);
  // The package goes, the VFs that somebody may use stay.
  expect(await guest.sh('cat /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs')).toBe('2');
});
