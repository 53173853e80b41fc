import { describe, expect, test } from 'vitest';
import type { HostPath } from '../../src/host.ts';
import { parseBool, parseU16 } from '../../src/sysfs/kernel/parse.ts';
import { driverNames, groups, i350, pf, port, vfAddresses, write } from './i350.ts';

describe('sriov_numvfs', () => {
  test('makes VFs at the places that offset and stride say', async () => {
    const host = await i350();
    await write(host, `${pf}/sriov_numvfs`, '4');

    expect(await vfAddresses(host)).toEqual([
      '0000:02:10.0',
      '0000:02:10.4',
      '0000:02:11.0',
      '0000:02:11.4',
    ]);
    expect(await host.fs.readText(`${pf}/virtfn3/device`)).toBe('0x1520\n');
    expect(await host.fs.readLink(`${pf}/virtfn3/physfn`)).toBe('../0000:01:00.0');
    expect(await host.fs.readText(`${pf}/virtfn1/resource`)).toMatch(
      /^0x00000000df404000 0x00000000df407fff 0x000000000014220c\n/,
    );
  });

  test('cannot be more than the driver says, which is less than the card says', async () => {
    const host = await i350();
    await expect(write(host, `${pf}/sriov_numvfs`, '8')).rejects.toMatchObject({ errno: 'ERANGE' });
    await write(host, '/sys/bus/pci/drivers/igb/unbind', port);
    expect(await host.fs.readText(`${pf}/sriov_totalvfs`)).toBe('8\n');
    await expect(write(host, `${pf}/sriov_numvfs`, '8')).rejects.toMatchObject({
      errno: 'ENOENT',
      kernelLog: [`pci ${port}: no driver bound to device; cannot configure SR-IOV`],
    });

    await write(host, '/sys/bus/pci/drivers/igb/bind', port);
    expect(await host.fs.readText(`${pf}/sriov_totalvfs`)).toBe('7\n');
  });

  test('is ENOMEM without bus numbers for the last VF, and then there is none', async () => {
    const host = await i350();
    await host.fs.writeFile(`${pf}/../subordinate_bus_number`, '1\n');

    await expect(write(host, `${pf}/sriov_numvfs`, '1')).rejects.toMatchObject({
      errno: 'ENOMEM',
      kernelLog: [`igb ${port}: can't enable 1 VFs (bus 02 out of range of [bus 01])`],
    });
    expect(await vfAddresses(host)).toEqual([]);
    expect(await host.fs.readText(`${pf}/sriov_numvfs`)).toBe('0\n');
  });

  test('is ENOMEM without address space for the VFs', async () => {
    const host = await i350();
    const resource = (await host.fs.readText(`${pf}/resource`)) ?? '';
    const unassigned = resource
      .split('\n')
      .map((line, index) =>
        index < 7 ? line : line.replace(/[1-9a-f]/g, '0').replaceAll('0x', '0x'),
      );
    await host.fs.writeFile(`${pf}/resource`, unassigned.join('\n'));

    await expect(write(host, `${pf}/sriov_numvfs`, '1')).rejects.toMatchObject({
      errno: 'ENOMEM',
      kernelLog: [`igb ${port}: not enough MMIO resources for SR-IOV`],
    });
  });

  test('succeeds without a VF on a bnxt_en port that is down or has no space', async () => {
    const host = await i350();
    await host.fs.plant('/sys/bus/pci/drivers/bnxt_en', { folder: {} });
    await host.fs.setLink(`${pf}/driver`, '../../../../bus/pci/drivers/bnxt_en');
    await host.perform({ kind: 'link', netdev: 'enp1s0f0', up: false });
    await write(host, `${pf}/sriov_numvfs`, '2');
    expect(await vfAddresses(host)).toEqual([]);

    await host.perform({ kind: 'link', netdev: 'enp1s0f0', up: true });
    await host.fs.writeFile(`${pf}/../subordinate_bus_number`, '1\n');
    await write(host, `${pf}/sriov_numvfs`, '2');
    expect(await host.fs.readText(`${pf}/sriov_numvfs`)).toBe('0\n');
  });

  test('fails as the driver does, or makes as few VFs as the driver does', async () => {
    const refusing = await i350({ faults: { driverErrno: { [port]: 'ENOSPC' } } });
    await expect(write(refusing, `${pf}/sriov_numvfs`, '2')).rejects.toMatchObject({
      errno: 'ENOSPC',
    });
    const short = await i350({ faults: { shortCount: { [port]: 2 } } });
    await write(short, `${pf}/sriov_numvfs`, '4');

    expect(await vfAddresses(short)).toHaveLength(2);
    expect(await short.fs.readText(`${pf}/sriov_numvfs`)).toBe('2\n');
    expect(await short.query({ argv: ['dmesg'] })).toMatchObject({
      stdout: expect.stringContaining('4 VFs requested; only 2 enabled') as string,
    });
  });

  test('waits for who holds a VF, with all other ports; nothing is lost when it is let go', async () => {
    const host = await i350({ faults: { heldVfs: ['0000:02:10.4'] } });
    await host.perform({ kind: 'module', module: 'vfio-pci' });
    await write(host, `${pf}/sriov_numvfs`, '3');
    await write(host, `${pf}/virtfn1/driver_override`, 'vfio-pci');
    await write(host, `${pf}/virtfn1/driver/unbind`, '0000:02:10.4');
    await write(host, '/sys/bus/pci/drivers/vfio-pci/bind', '0000:02:10.4');
    const before = host.now();

    const blocked = { errno: 'ETIMEDOUT' };
    await expect(write(host, `${pf}/sriov_numvfs`, '0')).rejects.toMatchObject({
      ...blocked,
      kernelLog: [expect.stringContaining('blocked until released by user')],
    });
    expect(host.now() - before).toBeGreaterThan(60_000);
    expect(await vfAddresses(host)).toEqual(['0000:02:10.4', '0000:02:11.0']);
    await expect(host.fs.readText(`${pf}/sriov_numvfs`)).rejects.toMatchObject(blocked);
    const other: HostPath = '/sys/bus/pci/devices/0000:01:00.1/sriov_numvfs';
    await expect(write(host, other, '1')).rejects.toMatchObject(blocked);

    await host.release('0000:02:10.4');
    expect(await vfAddresses(host)).toEqual([]);
    expect(await host.fs.readText(`${pf}/sriov_numvfs`)).toBe('0\n');
    await write(host, other, '1');
  });
});

describe('new VFs', () => {
  test('have netdevs at once where their driver is loaded; udev names them in its own order', async () => {
    const host = await i350();
    await write(host, `${pf}/sriov_numvfs`, '4');
    const names = async () => ((await host.fs.list('/sys/class/net')) ?? []).filter(isOfVf);
    expect((await names()).sort()).toEqual(['eth0', 'eth1', 'eth2', 'eth3']);

    const order: string[] = [];
    for (let waited = 0; waited < 1_000; waited += 10) {
      await host.wait(10);
      for (const name of await names()) {
        if (name.startsWith('enp') && !order.includes(name)) order.push(name);
      }
    }
    expect([...order].sort()).toEqual([0, 1, 2, 3].map((index) => `enp1s0f0v${index}`));
    expect(order).not.toEqual([...order].sort());
    expect(await host.fs.list(`${pf}/virtfn2/net`)).toEqual(['enp1s0f0v2']);
  });

  test('keep the kernel’s names without udev, and with net.ifnames=0', async () => {
    for (const without of ['udev', 'names'] as const) {
      const host = await i350();
      if (without === 'udev') await host.fs.remove('/run/udev');
      else await host.fs.writeFile('/proc/cmdline', 'quiet net.ifnames=0\n');
      await write(host, `${pf}/sriov_numvfs`, '1');
      await host.wait(10_000);

      expect(await host.fs.list(`${pf}/virtfn0/net`)).toEqual(['eth0']);
    }
  });

  test('get their driver later from udev where its module was not loaded, unless it is blacklisted', async () => {
    const host = await i350({}, []);
    await write(host, `${pf}/sriov_numvfs`, '2');
    expect(await driverNames(host)).toEqual([undefined, undefined]);
    await host.wait(10_000);
    expect(await driverNames(host)).toEqual(['igbvf', 'igbvf']);
    expect(await host.fs.list(`${pf}/virtfn1/net`)).toEqual(['enp1s0f0v1']);

    const strict = await i350({}, []);
    await strict.fs.plant('/etc/modprobe.d/no-vfs.conf', '# none\nblacklist igbvf\n');
    await write(strict, `${pf}/sriov_numvfs`, '2');
    await strict.wait(10_000);
    expect(await driverNames(strict)).toEqual([undefined, undefined]);
  });

  test('have their netdev later where the driver takes its time', async () => {
    const host = await i350({ faults: { netdevDelayMs: 5_000 } });
    await write(host, `${pf}/sriov_numvfs`, '1');
    await host.wait(4_999);
    expect(await host.fs.list(`${pf}/virtfn0/net`)).toBeUndefined();
    await host.wait(1_000);
    expect(await host.fs.list(`${pf}/virtfn0/net`)).toEqual(['enp1s0f0v0']);
  });

  test('have a carrier while they and their port are up', async () => {
    const host = await i350();
    const carrier = async (): Promise<string | undefined> =>
      (await host.fs.readText('/sys/class/net/enp1s0f0v0/carrier'))?.trim();
    const set = (netdev: string, up: boolean) => host.perform({ kind: 'link', netdev, up });
    await set('enp1s0f0', false);
    await write(host, `${pf}/sriov_numvfs`, '1');
    await host.wait(1_000);
    await expect(carrier()).rejects.toMatchObject({ errno: 'EINVAL' });
    await set('enp1s0f0v0', true);
    expect(await carrier()).toBe('0');
    await set('enp1s0f0', true);
    expect(await carrier()).toBe('0');
    await host.wait(10_000);
    expect(await carrier()).toBe('1');
    await set('enp1s0f0', false);
    expect(await carrier()).toBe('0');
  });

  test('are alone in their IOMMU groups, whose numbers are used again', async () => {
    const host = await i350();
    await write(host, `${pf}/sriov_numvfs`, '2');
    expect(await groups(host)).toEqual(['7', '8']);
    expect(await host.fs.readText('/sys/kernel/iommu_groups/7/type')).toBe('identity\n');
    await write(host, `${pf}/sriov_numvfs`, '0');
    expect(await host.fs.stat('/sys/kernel/iommu_groups/7')).toBeUndefined();
    await write(host, `${pf}/sriov_numvfs`, '1');
    expect(await groups(host)).toEqual(['7']);
  });

  test('share the group of their port where the slot isolates nothing', async () => {
    const host = await i350();
    const group = await host.fs.readLink(`${pf}/iommu_group`);
    await host.fs.setLink(
      `/sys/kernel/iommu_groups/${group?.split('/').at(-1) ?? ''}/devices/0000:00:01.0`,
      '../../../../devices/pci0000:00/0000:00:01.0',
    );
    await write(host, `${pf}/sriov_numvfs`, '2');

    expect(await groups(host)).toEqual(['2', '2']);
  });
});

describe('vfio-pci', () => {
  test('cannot take a VF without an IOMMU: bind says so, drivers_probe does not', async () => {
    const host = await i350();
    for (const function_ of ['0000:01:00.0', '0000:01:00.1']) {
      await host.fs.remove(`/sys/bus/pci/devices/${function_}/iommu_group`);
    }
    await host.perform({ kind: 'module', module: 'vfio-pci' });
    await write(host, `${pf}/sriov_numvfs`, '1');
    await write(host, `${pf}/virtfn0/driver/unbind`, '0000:02:10.0');
    await write(host, `${pf}/virtfn0/driver_override`, 'vfio-pci');
    const bind: HostPath = '/sys/bus/pci/drivers/vfio-pci/bind';

    await expect(write(host, bind, '0000:02:10.0')).rejects.toMatchObject({
      errno: 'EINVAL',
      kernelLog: ['vfio-pci 0000:02:10.0: probe with driver vfio-pci failed with error -22'],
    });
    await write(host, '/sys/bus/pci/drivers_probe', '0000:02:10.0');
    expect(await driverNames(host)).toEqual([undefined]);
  });

  test('has one device a group, until the last function of the group leaves it', async () => {
    const host = await i350({}, ['vfio-pci', 'igbvf']);
    await host.fs.setLink('/sys/kernel/iommu_groups/2/devices/0000:00:01.0', '../elsewhere');
    await write(host, `${pf}/sriov_numvfs`, '2');
    const vfs = (await vfAddresses(host)).map((address) => address ?? '');
    for (const vf of vfs) {
      await write(host, `/sys/bus/pci/devices/${vf}/driver_override`, 'vfio-pci');
      await write(host, '/sys/bus/pci/drivers/igbvf/unbind', vf);
      await write(host, '/sys/bus/pci/drivers/vfio-pci/bind', vf);
    }
    const unbind: HostPath = '/sys/bus/pci/drivers/vfio-pci/unbind';
    await write(host, unbind, vfs[0] ?? '');
    expect(await host.fs.stat('/dev/vfio/2')).toMatchObject({ mode: 0o600 });
    await write(host, unbind, vfs[1] ?? '');
    expect(await host.fs.stat('/dev/vfio/2')).toBeUndefined();
  });

  test('as driver of a port makes VFs only when told so, and for itself', async () => {
    const host = await i350();
    await host.perform({ kind: 'module', module: 'vfio_pci' });
    await write(host, `${pf}/driver_override`, 'vfio-pci');
    await write(host, `${pf}/driver/unbind`, port);
    await write(host, '/sys/bus/pci/drivers_probe', port);
    await expect(write(host, `${pf}/sriov_numvfs`, '2')).rejects.toMatchObject({
      errno: 'ENOENT',
      kernelLog: [],
    });
    await write(host, '/sys/module/vfio_pci/parameters/enable_sriov', 'Y');
    await write(host, `${pf}/sriov_numvfs`, '2');

    expect(await driverNames(host)).toEqual(['vfio-pci', 'vfio-pci']);
    expect([...((await host.fs.list('/dev/vfio')) ?? [])].sort()).toEqual(['2', '7', '8', 'vfio']);
  });
});

describe('numbers and truth values', () => {
  test.each([
    ['7', 7],
    ['0x1F\n', 31],
    ['010', 8],
    ['+3', 3],
    ['65535', 65_535],
    ['65536', undefined],
    ['-1', undefined],
    ['2 ', undefined],
    ['', undefined],
  ])('%j is the number %j', (text, value) => {
    expect(parseU16(text)).toBe(value);
  });

  test.each([
    ['1', true],
    ['on', true],
    ['yes', true],
    ['0\n', false],
    ['off', false],
    ['No', false],
    ['o', undefined],
    ['x', undefined],
  ])('%j is %j', (text, value) => {
    expect(parseBool(text)).toBe(value);
  });
});

const isOfVf = (name: string): boolean => /^(?:eth\d|enp1s0f0v\d)$/.test(name);
