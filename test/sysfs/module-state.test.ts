import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { packageWithModules } from '../../src/sysfs/distribution.ts';
import { moduleForVfs } from '../../src/sysfs/module.ts';
import { moduleState } from '../../src/sysfs/module-state.ts';
import { readPf } from '../../src/sysfs/pci-device.ts';
import { type SimulatedHost, simulateHost } from '../../src/sysfs/simulated-host.ts';
import { treeView } from '../../src/sysfs/tree-fs.ts';

const tree = join(import.meta.dirname, '../../fixtures/82576-qemu');
const folder = '/lib/modules/6.12.118+deb13-amd64';

let host: SimulatedHost;
beforeEach(() => {
  host = simulateHost(treeView(tree));
});

describe('a driver', () => {
  test('that is bound, or built into the kernel, is there', async () => {
    expect(await moduleState(host, 'igb')).toEqual({ state: 'present' });
    await host.fs.plant(`${folder}/modules.builtin`, 'kernel/drivers/net/ethernet/x/hns3.ko\n');
    expect(await moduleState(host, 'hns3')).toEqual({ state: 'present' });
  });

  test('that is installed can be loaded, however it is compressed and spelled', async () => {
    expect(await moduleState(host, 'vfio_pci')).toMatchObject({ state: 'loadable' });
    const found = await moduleState(host, 'vfio-pci');
    expect(found).toMatchObject({ state: 'loadable' });
    expect((found as { file: string }).file).toMatch(/\/vfio-pci\.ko(\.\w+)?$/);
  });

  test.each([
    ['/etc/modprobe.d/a.conf', '# no VFs\nblacklist ixgbevf\n', '/etc/modprobe.d/a.conf:2'],
    ['/usr/lib/modprobe.d/b.conf', 'install ixgbevf /bin/false\n', '/usr/lib/modprobe.d/b.conf:1'],
    ['/proc/cmdline', 'quiet module_blacklist=x,ixgbevf\n', 'the kernel command line'],
    ['/proc/cmdline', 'modprobe.blacklist=ixgbevf\n', 'the kernel command line'],
  ] as const)(
    'that is kept from being loaded by %s is named with the place',
    async (path, text, where) => {
      await host.fs.plant(path, text);
      const found = await moduleState(host, 'ixgbevf');
      expect(found).toMatchObject({ state: 'blacklisted', where });
      // One that is loaded already is out of its reach.
      expect(await moduleState(host, 'igb')).toEqual({ state: 'present' });
    },
  );

  test('that is not installed is missing, and the package that has it is named', async () => {
    const found = await moduleState(host, 'hns3');
    expect(found).toEqual({ state: 'missing', lookedFor: 'hns3.ko', folder });
    expect(await packageWithModules(host.fs)).toContain('linux-image-6.12.118+deb13-amd64');
  });

  test('of a kernel whose modules are gone is another matter', async () => {
    await host.fs.remove(folder);
    expect(await moduleState(host, 'hns3')).toMatchObject({ state: 'no-modules' });
  });

  test('without a signature is told where the kernel asks for one, and only there', async () => {
    const words = { signer: '' };
    const signing = simulateHost(treeView(tree), {
      models: {
        modinfo: async () => ({
          ran: true,
          exitCode: 0,
          stdout: `filename: x\nvermagic: 6.12\n${words.signer}`,
          stderr: '',
        }),
      },
    });
    expect(await moduleState(signing, 'vfio-pci')).toMatchObject({ state: 'loadable' });
    await signing.fs.plant('/sys/kernel/security/lockdown', 'none [integrity] confidentiality\n');
    expect(await moduleState(signing, 'vfio-pci')).toMatchObject({
      state: 'unsigned',
      because: 'kernel lockdown is integrity',
    });
    words.signer = 'signer: somebody\n';
    expect(await moduleState(signing, 'vfio-pci')).toMatchObject({ state: 'loadable' });
    words.signer = '';
    await signing.fs.remove('/sys/kernel/security/lockdown');
    const secureBoot = '/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c';
    await signing.fs.plant(secureBoot, '\x06\0\0\0\x01');
    expect(await moduleState(signing, 'vfio-pci')).toMatchObject({ because: 'Secure Boot is on' });
    await signing.fs.plant(secureBoot, '\x06\0\0\0\0');
    expect(await moduleState(signing, 'vfio-pci')).toMatchObject({ state: 'loadable' });
  });
});

describe('the package with the drivers', () => {
  test.each([
    ['ID=ubuntu\nID_LIKE=debian\n', 'linux-modules-extra-6.12'],
    ['ID=debian\n', 'linux-image-6.12'],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"\n', 'kernel-modules-6.12'],
    ['ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', 'kernel-default'],
    ['ID=sles\n', 'kernel-default'],
    ['ID=unheard-of\n', 'the package of the running kernel'],
  ])('of %j', async (text, words) => {
    await host.fs.plant('/etc/os-release', text);
    expect(await packageWithModules(host.fs)).toContain(words);
  });
});

test('the driver of VFs that do not exist is found by their ids, also where no module says so', async () => {
  const pf = await readPf(host.fs, '0000:01:00.0');
  if (pf === undefined) throw new Error('no PF');
  expect(await moduleForVfs(host.fs, pf)).toBe('igbvf');
  await host.fs.remove(`${folder}/modules.alias`);
  expect(await moduleForVfs(host.fs, pf)).toBe('igbvf');
});
