import { describe, expect, test } from 'vitest';
import { describeUses, usesOf } from '../../../src/sysfs/owners/uses.ts';
import type { SimulatedHost } from '../../../src/sysfs/simulated-host.ts';
import {
  bindToVfio,
  hostWithVfs,
  moveAway,
  plantProcess,
  readTestPf,
  setUp,
} from './host-with-vfs.ts';

const places = ['0000:01:10.0', '0000:01:10.2', '0000:01:10.4', '0000:01:10.6'] as const;
const uid = '0f7a1b2c-1111-2222-3333-444455556666';
const podCgroup =
  '0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod0f7a1b2c_1111_2222_3333_444455556666.slice/cri-containerd-9c1185a5c5e9fc54612808977ee8f548b2258d31dca3fe8b5a1e6d3f7c1f2f3a.scope\n';

const users = async (host: SimulatedHost): Promise<readonly string[]> =>
  describeUses(await usesOf(host, (await readTestPf(host)).vfs));

test('VFs that are only there are used by nobody', async () => {
  const host = await hostWithVfs();
  expect(await users(host)).toEqual([]);
});

describe('a VF outside the host’s network namespace', () => {
  test('is used by a namespace with a name, and by whom lives in it', async () => {
    const host = await hostWithVfs({
      'nsenter --net=/run/netns/guest ip -j -d link show': [
        { ifname: 'lo' },
        { ifname: 'net1', parentbus: 'pci', parentdev: places[1] },
      ],
      'nsenter --net=/run/netns/other ip -j -d link show': [{ ifname: 'lo' }],
      'ip netns pids guest': '77\n78\n',
    });
    await moveAway(host, 1);
    await host.fs.plant('/run/netns', { folder: { guest: '', other: '', '--odd': '' } });
    await plantProcess(host, 77, { comm: 'nginx', cgroup: podCgroup });
    await host.fs.plant(`/var/log/pods/default_web_${uid}`, { folder: {} });
    expect(await users(host)).toEqual([
      `VF 1 (${places[1]}) by network namespace guest, nginx (pid 77, pod default/web)`,
    ]);
  });

  test('is used by a process whose own /sys shows it, where the namespace has no name', async () => {
    const host = await hostWithVfs();
    await moveAway(host, 0);
    await plantProcess(host, 1, { comm: 'systemd' });
    await plantProcess(host, 40, { comm: 'bash', netns: 'net:[1]' });
    await plantProcess(host, 50, {
      comm: 'dpdk-app',
      netns: 'net:[2]',
      shows: [places[0]],
      cgroup:
        '0::/system.slice/docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope\n',
    });
    expect(await users(host)).toEqual([
      `VF 0 (${places[0]}) by the network namespace of dpdk-app (pid 50, container 0123456789ab of docker)`,
    ]);
  });

  test('is used by a process in a namespace that only nsenter can look into', async () => {
    const host = await hostWithVfs({
      'nsenter --net=/proc/60/ns/net ip -j -d link show': [{ ifname: 'x', parentdev: places[2] }],
    });
    await moveAway(host, 2);
    await plantProcess(host, 1, { comm: 'systemd' });
    await plantProcess(host, 60, { comm: 'sleep', netns: 'net:[3]' });
    await plantProcess(host, 61, { comm: 'sleep', netns: 'net:[3]' });
    expect(await users(host)).toEqual([
      `VF 2 (${places[2]}) by the network namespace of sleep (pid 60)`,
    ]);
  });

  test('counts as used also where nobody is found', async () => {
    const host = await hostWithVfs();
    await moveAway(host, 3);
    expect(await users(host)).toEqual([`VF 3 (${places[3]}) by another network namespace`]);
  });
});

describe('a VF on the host', () => {
  test('is used when it is up and has an address, but not by the address of its link', async () => {
    const addresses = [
      {
        ifname: 'enp1s0f0v0',
        addr_info: [
          { local: '10.0.0.5', scope: 'global' },
          { local: 'fe80::1', scope: 'link' },
        ],
      },
      { ifname: 'enp1s0f0v1', addr_info: [{ local: 'fe80::2', scope: 'link' }] },
      { ifname: 'enp1s0f0v2', addr_info: [{ local: '10.0.2.5', scope: 'global' }] },
    ];
    const host = await hostWithVfs({ 'ip -j address show': addresses }, { reachedAt: '10.0.0.5' });
    await setUp(host, 'enp1s0f0v0');
    await setUp(host, 'enp1s0f0v1');
    expect(await users(host)).toEqual([
      'VF 0 (enp1s0f0v0) by this host: this SSH session, its address 10.0.0.5',
    ]);
  });

  test('is used by a bridge it is a port of, and by what stands on top of it', async () => {
    const host = await hostWithVfs();
    await host.fs.setLink('/sys/class/net/enp1s0f0v0/master', '../br0');
    await host.fs.setLink('/sys/class/net/enp1s0f0v0/upper_br0', '../br0');
    await host.fs.setLink('/sys/class/net/enp1s0f0v2/upper_macvlan0', '../macvlan0');
    expect(await users(host)).toEqual([
      'VF 0 (enp1s0f0v0) by this host: a port of br0',
      'VF 2 (enp1s0f0v2) by this host: macvlan0 on top of it',
    ]);
  });

  test('is used by a route, the default route above all', async () => {
    const host = await hostWithVfs();
    await host.fs.plant(
      '/proc/net/route',
      [
        'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT',
        'enp1s0f0v1\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0',
        'enp1s0f0v2\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
        '',
      ].join('\n'),
    );
    await host.fs.plant(
      '/proc/net/ipv6_route',
      [
        'fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001 enp1s0f0v0',
        '20010db8000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001 enp1s0f0v3',
        '00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo',
        '',
      ].join('\n'),
    );
    expect(await users(host)).toEqual([
      'VF 1 (enp1s0f0v1) by this host: the default route',
      'VF 2 (enp1s0f0v2) by this host: a route to 192.168.1.0/24',
      'VF 3 (enp1s0f0v3) by this host: a route to 2001:0db8:0000:0000:0000:0000:0000:0000/64',
    ]);
  });
});

describe('a VF on vfio-pci', () => {
  test('is used by the guest whose process has its group open, which also blocks its removal', async () => {
    const host = await hostWithVfs();
    const group = await bindToVfio(host, 1);
    await bindToVfio(host, 2);
    await plantProcess(host, 4242, {
      comm: 'qemu-system-x86',
      argv: ['/usr/bin/qemu-system-x86_64', '-name', 'guest=vm1,debug-threads=on', '-S'],
      open: ['/dev/null', '/dev/vfio/vfio', group, 'anon_inode:[vfio-device]'],
    });
    const uses = await usesOf(host, (await readTestPf(host)).vfs);
    expect(describeUses(uses)).toEqual([
      `VF 1 (${places[1]}) by qemu-system-x86 (pid 4242, guest vm1)`,
    ]);
    expect(uses[0]?.blocks).toBe(true);
  });

  test('is used through its own device node, without a group', async () => {
    const host = await hostWithVfs();
    await bindToVfio(host, 0);
    await host.fs.plant(`/sys/bus/pci/devices/${places[0]}/vfio-dev/vfio7`, { folder: {} });
    await plantProcess(host, 9, { comm: 'vmm', open: ['/dev/vfio/devices/vfio7'] });
    expect(await users(host)).toEqual([`VF 0 (${places[0]}) by vmm (pid 9)`]);
  });

  test('may be used by a process that kept a device and closed its group', async () => {
    const host = await hostWithVfs();
    await bindToVfio(host, 0);
    await plantProcess(host, 9, { comm: 'vmm', open: ['anon_inode:[vfio-device]'] });
    expect(await users(host)).toEqual([
      `VF 0 (${places[0]}) by vmm (pid 9), which has some vfio device open`,
    ]);
  });

  test('is free when other groups are open', async () => {
    const host = await hostWithVfs();
    await bindToVfio(host, 0);
    await plantProcess(host, 9, { comm: 'vmm', open: ['/dev/vfio/9999'] });
    expect(await users(host)).toEqual([]);
  });
});

test('a VF with a verbs device is used by whom has that open, and its removal does not wait', async () => {
  const host = await hostWithVfs();
  await host.fs.plant(`/sys/bus/pci/devices/${places[2]}/infiniband_verbs/uverbs1`, { folder: {} });
  await plantProcess(host, 9, { comm: 'dpdk-testpmd', open: ['/dev/infiniband/uverbs1'] });
  const uses = await usesOf(host, (await readTestPf(host)).vfs);
  expect(describeUses(uses)).toEqual(['VF 2 (enp1s0f0v2) by dpdk-testpmd (pid 9)']);
  expect(uses[0]?.blocks).toBeUndefined();
});

describe('a VF that kubelet has given away', () => {
  const checkpoint = (entries: readonly unknown[]): string =>
    JSON.stringify({
      Data: {
        PodDeviceEntries: entries,
        RegisteredDevices: { 'sriovctl.io/vfs': places },
      },
      Checksum: 1,
    });
  const entry = (id: string, DeviceIDs: unknown) => ({
    PodUID: id,
    ContainerName: 'app',
    ResourceName: 'sriovctl.io/vfs',
    DeviceIDs,
    AllocResp: '',
  });
  const path = '/var/lib/kubelet/device-plugins/kubelet_internal_checkpoint';

  test('is used by the pod, by name; also in the older form of the checkpoint', async () => {
    const host = await hostWithVfs();
    const other = 'aaaaaaaa-1111-2222-3333-444455556666';
    const entries = [entry(uid, { '-1': [places[0], places[3]] }), entry(other, [places[1]])];
    await host.fs.plant(path, checkpoint(entries));
    await host.fs.plant(`/var/log/pods/default_web-0_${uid}`, { folder: {} });
    expect(await users(host)).toEqual([
      'VF 0 (enp1s0f0v0), 3 (enp1s0f0v3) by pod default/web-0 (sriovctl.io/vfs)',
      `VF 1 (enp1s0f0v1) by pod ${other} (sriovctl.io/vfs)`,
    ]);
  });

  test('is free when the pod is gone and kubelet has not noticed yet', async () => {
    const host = await hostWithVfs();
    await host.fs.plant(path, checkpoint([entry(uid, { '-1': [places[0]] })]));
    await host.fs.plant('/var/lib/kubelet/pods/another-pod', { folder: {} });
    expect(await users(host)).toEqual([]);
  });

  test.each(['', '{', '{"Data":{"PodDeviceEntries":null}}', '[]'])(
    'is nobody’s in a checkpoint that reads %j',
    async (text) => {
      const host = await hostWithVfs();
      await host.fs.plant(path, text);
      expect(await users(host)).toEqual([]);
    },
  );
});

test('libvirt’s guests have VFs, whether they run or not', async () => {
  const host = await hostWithVfs();
  const guest = (name: string, devices: string): string =>
    `<domain type='kvm'><name>${name}</name><devices>${devices}</devices></domain>`;
  const hostdev = `<hostdev mode='subsystem' type='pci' managed='yes'>
      <source><address domain='0x0000' bus='0x01' slot='0x10' function='0x2'/></source>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x6'/></hostdev>`;
  const network = `<interface type="hostdev"><source>
      <address type="pci" domain="0x0000" bus="0x01" slot="0x10" function="0x4"/></source></interface>
      <disk><source file='/x'/></disk><interface><source network='default'/></interface>`;
  await host.fs.plant(
    '/run/libvirt/qemu/vm1.xml',
    `<domstatus>${guest('vm1', hostdev)}</domstatus>`,
  );
  await host.fs.plant('/etc/libvirt/qemu/vm1.xml', guest('vm1', hostdev));
  await host.fs.plant('/etc/libvirt/qemu/vm2.xml', guest('vm2', network));
  expect(await users(host)).toEqual([
    'VF 1 (enp1s0f0v1) by libvirt guest vm1',
    'VF 2 (enp1s0f0v2) by libvirt guest vm2, which is not running',
  ]);
});

test('processes are looked at only where a VF has a device that they could have open', async () => {
  const read: string[] = [];
  const host = await hostWithVfs();
  const { vfs } = await readTestPf(host);
  const fs = new Proxy(host.fs, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (path: string, ...more: unknown[]) => {
        if (/^\/proc(?:\/\d|$)/.test(path)) read.push(path);
        return (value as (...args: unknown[]) => unknown).call(target, path, ...more);
      };
    },
  });
  await usesOf({ ...host, fs }, vfs);
  expect(read).toEqual([]);
});
