import { describe, expect, test } from 'vitest';
import { simulate } from '../../src/boot/models.ts';
import { readOutlook, statusIn } from '../../src/boot/outlook.ts';
import { grubby } from '../../src/boot/systems/grubby.ts';
import type { Change } from '../../src/change.ts';
import type { HostPath } from '../../src/host.ts';
import { iommu } from '../../src/steps/iommu.ts';
import type { SimulatedHost } from '../../src/sysfs/simulated-host.ts';
import { bootFixture, changedFiles, checksText, setup, specOf, teardown } from './rehearsal.ts';

const on = specOf({ iommu: 'on' });
const menu: HostPath = '/boot/grub/grub.cfg';
const dropIn: HostPath = '/etc/default/grub.d/zz-sriovctl.cfg';

/** Actions in one line each. */
const brief = (changes: readonly Change[]): string[] =>
  changes.map(({ action }) => {
    if (action.kind === 'regenerate' || action.kind === 'command') {
      return action.command.argv.join(' ');
    }
    return 'path' in action ? `${action.kind} ${action.path}` : action.kind;
  });

const planned = async (host: SimulatedHost, spec = on): Promise<string[]> =>
  brief(await iommu.plan(spec, host));

const replaceIn = async (
  host: SimulatedHost,
  path: HostPath,
  from: string | RegExp,
  to: string,
) => {
  const text = (await host.fs.readText(path)) ?? '';
  expect(text).toMatch(from);
  await host.fs.writeFile(path, text.replaceAll(from, to));
};

describe('GRUB with drop-ins', () => {
  test('a menu that nobody made anew is made anew, and the files are left alone', async () => {
    const host = bootFixture('ubuntu-22.04');
    await host.fs.writeFile(
      '/etc/default/grub.d/90-site.cfg',
      'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX intel_iommu=on,sm_on"\n',
    );
    const outlook = await readOutlook(on, host);
    expect(statusIn(outlook, 'intel_iommu=on')).toBe('configured-not-generated');
    expect(await planned(host)).toEqual(['/usr/sbin/update-grub']);
  });

  test('an argument of somebody else is enough, and a teardown leaves it', async () => {
    const host = bootFixture('firmware-off');
    await host.fs.plant('/sys/firmware/acpi/tables/DMAR', '');
    expect(await planned(host)).toEqual([]);
    expect(await teardown(host)).toEqual([]);
  });

  test('a further argument joins the first in the drop-in', async () => {
    const host = bootFixture('debian-12');
    await setup(on, host);
    await setup(specOf({ boot: { kernelArgs: ['pci=realloc'] } }), host);
    expect(await host.fs.readText(dropIn)).toContain(
      'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX intel_iommu=on pci=realloc"',
    );
    expect(await planned(host)).toEqual([]);
  });

  test('a drop-in that is read later and starts anew is an obstacle', async () => {
    const host = bootFixture('debian-12');
    await host.fs.writeFile('/etc/default/grub.d/zzz.cfg', 'GRUB_CMDLINE_LINUX="quiet"\n');
    expect(await checksText(on, host, 'preflight')).toContain(
      '/etc/default/grub.d/zzz.cfg is read after /etc/default/grub.d/zz-sriovctl.cfg and sets GRUB_CMDLINE_LINUX anew',
    );
    expect(await planned(host)).toEqual([]);
  });

  test('what is switched off in the menu alone goes when the menu is made anew', async () => {
    const host = bootFixture('debian-13');
    await replaceIn(host, menu, ' quiet', ' quiet intel_iommu=off');
    expect(await checksText(on, host, 'preflight')).not.toContain('FAILED');
    await setup(on, host);
    expect(await host.fs.readText(menu)).not.toContain('intel_iommu=off');
  });

  test('a host without a menu is done by hand', async () => {
    const host = bootFixture('debian-13');
    await host.fs.remove(menu);
    expect(await checksText(on, host, 'preflight')).toContain('an unknown boot loader');
  });
});

describe('/etc/default/grub in place', () => {
  const inPlace = specOf({ iommu: 'on', boot: { grubFile: true } });

  test('what others changed since is kept by a teardown', async () => {
    const host = bootFixture('debian-13');
    await setup(inPlace, host);
    await replaceIn(host, '/etc/default/grub', 'GRUB_TIMEOUT=5', 'GRUB_TIMEOUT=9');
    await teardown(host);
    await replaceIn(host, '/etc/default/grub', 'GRUB_TIMEOUT=9', 'GRUB_TIMEOUT=5');
    expect(await changedFiles('debian-13', host)).toEqual([]);
  });

  test('a drop-in that sets the variable anew is an obstacle', async () => {
    const host = bootFixture('debian-13');
    await host.fs.writeFile('/etc/default/grub.d/50-x.cfg', 'GRUB_CMDLINE_LINUX="quiet"\n');
    expect(await checksText(inPlace, host, 'preflight')).toContain(
      '/etc/default/grub.d/50-x.cfg sets GRUB_CMDLINE_LINUX anew behind /etc/default/grub',
    );
  });

  test('a file that became opaque is left alone by a teardown, which says so', async () => {
    const host = bootFixture('debian-13');
    await setup(inPlace, host);
    const text = (await host.fs.readText('/etc/default/grub')) ?? '';
    await host.fs.writeFile('/etc/default/grub', `${text}. /etc/site\n`);
    await expect(teardown(host)).rejects.toMatchObject({
      code: 'BOOT_FILE_OPAQUE',
      hint: 'Remove intel_iommu=on from GRUB_CMDLINE_LINUX there by hand, then run /usr/sbin/update-grub.',
    });
  });
});

describe('grubby', () => {
  test('of RHEL 8.0 leaves kernelopts alone, which is then set as well', async () => {
    const host = bootFixture('rhel-8');
    const folder: HostPath = '/boot/loader/entries';
    for (const name of (await host.fs.list(folder)) ?? []) {
      await replaceIn(
        host,
        `${folder}/${name}`,
        '$kernelopts',
        'root=/dev/mapper/rhel-root intel_iommu=on',
      );
    }
    const [, set] = await iommu.plan(on, host);
    expect(brief(set === undefined ? [] : [set])).toEqual([
      '/usr/bin/grub2-editenv - set kernelopts=root=/dev/mapper/rhel-root ro rd.lvm.lv=rhel/root rhgb quiet intel_iommu=on',
    ]);
    await setup(on, host);
    expect(await planned(host)).toEqual([]);
  });

  test('an entry that had the argument before keeps it after a teardown', async () => {
    const host = bootFixture('rhel-9');
    const [first] = [...((await host.fs.list('/boot/loader/entries')) ?? [])].sort();
    const path: HostPath = `/boot/loader/entries/${first ?? ''}`;
    await replaceIn(host, path, ' quiet', ' quiet intel_iommu=on');
    await setup(on, host);
    await teardown(host);
    expect(await changedFiles('rhel-9', host)).toEqual([path]);
  });

  test('a value with more in it is not taken out by the value alone', async () => {
    const host = bootFixture('rhel-9');
    const answer = await simulate(
      { argv: ['grubby', '--update-kernel=ALL', '--remove-args=quie'] },
      host.fs,
    );
    expect(
      answer?.every((action) => action.kind === 'file' && action.content.includes('quiet')),
    ).toBe(true);
  });

  test('conflicts in an entry name the entry', async () => {
    const host = bootFixture('rhel-9');
    const [first] = [...((await host.fs.list('/boot/loader/entries')) ?? [])].sort();
    await replaceIn(host, `/boot/loader/entries/${first ?? ''}`, ' quiet', ' quiet iommu=off');
    expect(await checksText(on, host, 'preflight')).toContain(
      `/boot/loader/entries/${first ?? ''}:5 has iommu=off, which stands against intel_iommu=on`,
    );
  });

  test('is not used where systemd-boot started the host', async () => {
    const host = bootFixture('rhel-9');
    const loader = await bootFixture('fedora-systemd-boot').fs.readText(efi('LoaderInfo'));
    await host.fs.plant(efi('LoaderInfo'), loader ?? '');
    expect(await grubby.detect(host, {})).toBe(false);
  });
});

const efi = (name: string): HostPath =>
  `/sys/firmware/efi/efivars/${name}-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f`;

test('--grub-file is refused where nothing is made from that file', async () => {
  const spec = specOf({ iommu: 'on', boot: { grubFile: true } });
  expect(await checksText(spec, bootFixture('rhel-9'), 'preflight')).toContain(
    'the boot entries of this host (GRUB with an entry for each kernel) are not made from /etc/default/grub',
  );
});

describe('kernel-install', () => {
  test('before systemd 255 is run for each kernel', async () => {
    const host = bootFixture('fedora-systemd-boot');
    await host.fs.remove('/usr/lib64/systemd/libsystemd-shared-258.so');
    await host.fs.plant('/usr/lib64/systemd/libsystemd-shared-252.so', '');
    expect((await planned(host)).slice(2)).toEqual([
      '/usr/bin/kernel-install add 6.17.5-300.fc43.x86_64 /usr/lib/modules/6.17.5-300.fc43.x86_64/vmlinuz',
      '/usr/bin/kernel-install add 6.17.7-300.fc43.x86_64 /usr/lib/modules/6.17.7-300.fc43.x86_64/vmlinuz',
    ]);
  });

  test('without /etc/kernel/cmdline one is made of what kernel-install would take', async () => {
    const host = bootFixture('fedora-systemd-boot');
    await host.fs.remove('/etc/kernel/cmdline');
    await setup(on, host);
    expect(await host.fs.readText('/etc/kernel/cmdline')).toMatch(
      /^root=UUID=\S+ ro rhgb quiet systemd\.machine_id=\w+ intel_iommu=on\n$/,
    );
  });
});

describe('by hand', () => {
  test('what a person has put in is seen once it runs', async () => {
    const host = bootFixture('talos');
    await replaceIn(host, '/proc/cmdline', 'pti=on', 'pti=on intel_iommu=on');
    await host.fs.plant('/sys/class/iommu/dmar0', '');
    await host.fs.setLink('/sys/bus/pci/devices/0000:01:00.0/iommu_group', '../7');
    expect(await checksText(on, host, 'preflight')).not.toContain('FAILED');
    expect(await checksText(on, host, 'checks')).not.toMatch(/FAILED|REBOOT/);
  });

  test('a Raspberry Pi waits for its reboot when the file has the argument', async () => {
    const host = bootFixture('raspberry-pi');
    const spec = specOf({ boot: { kernelArgs: ['pci=realloc'] } });
    await replaceIn(host, '/boot/firmware/cmdline.txt', 'rootwait', 'rootwait pci=realloc');
    expect(await checksText(spec, host, 'preflight')).not.toContain('FAILED');
    expect(await checksText(spec, host, 'checks')).toContain('REBOOT: pci=realloc');
  });

  test.each([
    ['/etc/default/flash-kernel', 'LINUX_KERNEL_CMDLINE'],
    ['/etc/default/u-boot', 'U_BOOT_PARAMETERS'],
    ['/run/ostree-booted', '/usr/lib/bootc/kargs.d/50-sriovctl.toml'],
  ] as const)('%s is answered with %s', async (path, words) => {
    const host = bootFixture('unknown');
    await host.fs.plant(path, '');
    expect(await checksText(on, host, 'preflight')).toContain(words);
  });

  test('a read-only SUSE system', async () => {
    const host = bootFixture('sles-15');
    await host.fs.writeFile('/etc/os-release', 'ID="sle-micro"\nID_LIKE="suse"\n');
    expect(await checksText(on, host, 'preflight')).toContain('transactional-update grub.cfg');
  });
});

test('an AMD host whose IOMMU is switched off by a file is refused with its line', async () => {
  const host = bootFixture('amd');
  await replaceIn(
    host,
    '/etc/default/grub',
    'GRUB_CMDLINE_LINUX=""',
    'GRUB_CMDLINE_LINUX="amd_iommu=off"',
  );
  expect(await checksText(on, host, 'preflight')).toContain(
    '/etc/default/grub:7 has amd_iommu=off, which stands against an IOMMU',
  );
});

test('an AMD host whose IOMMU was switched off at boot only waits for the next boot', async () => {
  const host = bootFixture('amd');
  await replaceIn(host, '/proc/cmdline', 'quiet', 'quiet amd_iommu=off');
  await host.fs.plant('/sys/class/iommu', { folder: {} });
  await host.fs.plant('/sys/kernel/iommu_groups', { folder: {} });
  expect(await planned(host)).toEqual([]);
  expect(await checksText(on, host, 'checks')).toContain('REBOOT: the IOMMU is off');
});

test('words that are no kernel argument are refused', async () => {
  const host = bootFixture('debian-12');
  const spec = specOf({ boot: { kernelArgs: ['a="b c"'] } });
  expect(await checksText(spec, host, 'preflight')).toContain('is no kernel argument');
});

test('side effects are told for the arguments that have some', async () => {
  const spec = specOf({ boot: { kernelArgs: ['pci=noaer,assign-busses', 'quiet2'] } });
  const [change] = await iommu.plan(spec, bootFixture('debian-12'));
  expect(change?.disrupts).toMatch(/^pci=noaer,assign-busses: all bus numbers/);
});
