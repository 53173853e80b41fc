import { expect, test } from 'vitest';
import { carriedBy } from '../../../src/sysfs/owners/carried.ts';
import type { SimulatedHost } from '../../../src/sysfs/simulated-host.ts';
import { hostWithVfs } from './host-with-vfs.ts';

const defaultRoute = (host: SimulatedHost, dev: string): Promise<void> =>
  host.fs.plant(
    '/proc/net/route',
    `Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n${dev}\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\n`,
  );

const reached = { reachedAt: '10.0.0.5' };
const addresses = (ifname: string) => ({
  'ip -j address show': [{ ifname, addr_info: [{ local: '10.0.0.5', scope: 'global' }] }],
});

test('a PF carries nothing that goes over another netdev', async () => {
  const host = await hostWithVfs(addresses('enp1s0f1'), reached);
  await defaultRoute(host, 'enp1s0f1');
  expect(await carriedBy(host, 'enp1s0f0')).toEqual([]);
});

test('a PF carries the default route and the SSH session that go over it', async () => {
  const host = await hostWithVfs(addresses('enp1s0f0'), reached);
  await defaultRoute(host, 'enp1s0f0');
  expect(await carriedBy(host, 'enp1s0f0')).toEqual(['the default route', 'this SSH session']);
});

test('also through a VLAN on a bond that it is a port of', async () => {
  const host = await hostWithVfs(addresses('vlan7'), reached);
  await defaultRoute(host, 'vlan7');
  await host.fs.setLink('/sys/class/net/vlan7/lower_bond0', '../bond0');
  await host.fs.setLink('/sys/class/net/bond0/lower_enp1s0f0', '../enp1s0f0');
  await host.fs.setLink('/sys/class/net/enp1s0f0/master', '../bond0');
  expect(await carriedBy(host, 'enp1s0f0')).toEqual([
    'the default route',
    'this SSH session',
    'a port of bond0',
  ]);
  expect(await carriedBy(host, 'enp1s0f1')).toEqual([]);
});
