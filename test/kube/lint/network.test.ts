import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kubeSettings } from '../../../src/kube/defaults.ts';
import { parseJson } from '../../../src/kube/json.ts';
import { lintNetworkConfig, pluginsOf } from '../../../src/kube/lint/network.ts';
import { networksOf } from '../../../src/kube/manifests/network.ts';
import { readPools } from '../../../src/kube/pools/read-pools.ts';
import type { IpamSpec, NetworkSpec } from '../../../src/resolved-spec.ts';
import { i350 } from '../host-tree.ts';
import { kubeSpec, specOf } from '../test-cluster.ts';
import { validate } from '../validate.ts';

const pools = await readPools(specOf(), i350());

const definitions = (networks?: readonly NetworkSpec[]) =>
  networksOf(kubeSettings({ ...kubeSpec, ...(networks !== undefined && { networks }) }), pools);

const configOf = (network: NetworkSpec) => definitions([network])[0]?.spec.config ?? '';

const problems = (config: object | string): string =>
  lintNetworkConfig(typeof config === 'string' ? config : JSON.stringify(config))
    .map(({ problem }) => problem)
    .join('\n');

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const ipam: fc.Arbitrary<IpamSpec> = fc.constantFrom<IpamSpec[]>(
  {
    type: 'host-local',
    subnet: '10.1.0.0/24',
    rangeStart: '10.1.0.5',
    routes: [{ dst: '10.2.0.0/16' }],
  },
  { type: 'static', addresses: [{ address: '10.1.0.7/24' }, { address: 'fd00::7/64' }] },
  { type: 'whereabouts', range: '10.1.0.0/24', rangeStart: '10.1.0.5', exclude: ['10.1.0.9/32'] },
  { type: 'dhcp' },
);

const network = fc
  .record({
    name: fc.constant('net'),
    vlan: optional(fc.integer({ min: 1, max: 4094 })),
    rate: optional(fc.tuple(fc.nat(1_000), fc.nat(1_000))),
    spoofchk: optional(fc.constantFrom('on' as const, 'off' as const)),
    trust: optional(fc.constantFrom('on' as const, 'off' as const)),
    linkState: optional(fc.constantFrom('auto' as const, 'enable' as const, 'disable' as const)),
    mtu: optional(fc.constantFrom(1500, 9000)),
    rdma: optional(fc.boolean()),
    ipam: optional(ipam),
  })
  .map(({ rate, vlan, ...rest }) => ({
    ...rest,
    ...(vlan !== undefined && { vlan, vlanQos: vlan % 8, vlanProto: '802.1ad' as const }),
    ...(rate !== undefined && { minTxRate: Math.min(...rate), maxTxRate: Math.max(...rate) }),
  }))
  .map((value) => JSON.parse(JSON.stringify(value)) as NetworkSpec);

describe('networks', () => {
  it('are plain ones of each pool unless asked for otherwise', () => {
    const [only, ...more] = definitions();
    expect(more).toEqual([]);
    expect(only?.metadata.annotations).toEqual({
      'k8s.v1.cni.cncf.io/resourceName': 'example.com/sriov_enp1s0f0',
    });
    expect(parseJson(only?.spec.config ?? '')).toEqual({
      cniVersion: '1.0.0',
      name: 'sriov-enp1s0f0',
      type: 'sriov',
      capabilities: { mac: true, ips: true },
    });
  });

  it('of any settings are what the plugins take', () => {
    fc.assert(
      fc.property(network, (settings) => {
        expect(problems(configOf(settings))).toBe('');
        for (const definition of definitions([settings])) validate(definition);
      }),
    );
  });

  it('chain tuning and rdma behind sriov', () => {
    const config = configOf({
      name: 'net',
      vlan: 5,
      mtu: 9000,
      sysctl: { 'net.a': '1' },
      rdma: true,
    });
    expect(parseJson(config)).toEqual({
      cniVersion: '1.0.0',
      name: 'net',
      plugins: [
        { type: 'sriov', vlan: 5, capabilities: { mac: true, ips: true } },
        { type: 'tuning', mtu: 9000, sysctl: { 'net.a': '1' } },
        { type: 'rdma' },
      ],
    });
    expect(pluginsOf(config)).toEqual(['sriov', 'tuning', 'rdma']);
  });

  it('bond interfaces of a pod, without a resource of their own', () => {
    const [bond] = definitions([
      { type: 'bond', name: 'bond', links: ['net1', 'net2'], ipam: { type: 'dhcp' } },
    ]);
    expect(bond?.metadata.annotations).toBeUndefined();
    expect(problems(bond?.spec.config ?? '')).toBe('');
    expect(pluginsOf(bond?.spec.config ?? '')).toEqual(['bond', 'dhcp']);
  });

  it('name a pool that exists', () => {
    expect(() => definitions([{ name: 'net', pool: 'other' }])).toThrow(
      /pool other, which is not there/,
    );
  });
});

describe('what the CNI plugins take without a word', () => {
  const sriov = { cniVersion: '1.0.0', name: 'x', type: 'sriov' };

  it.each([
    ['no version', { ...sriov, cniVersion: undefined }, /cniVersion/],
    ['a truth value instead of on', { ...sriov, spoofchk: true }, /sriov: spoofchk/],
    ['yes instead of on', { ...sriov, trust: 'yes' }, /sriov: trust/],
    ['an unknown key', { ...sriov, mtu: 9000 }, /mtu/],
    ['a VLAN out of range', { ...sriov, vlan: 4095 }, /vlan/],
    ['a priority without a VLAN', { ...sriov, vlanQoS: 3 }, /without vlan/],
    ['a priority of no VLAN', { ...sriov, vlan: 0, vlanQoS: 3 }, /vlan 0/],
    ['rates that cross', { ...sriov, min_tx_rate: 10, max_tx_rate: 5 }, /above max_tx_rate/],
    ['a multicast MAC', { ...sriov, mac: '01:00:5e:00:00:01' }, /multicast/],
    ['a device of its own', { ...sriov, deviceID: '0000:02:10.0' }, /deviceID/],
    [
      'an address without a length',
      { ...sriov, ipam: { type: 'static', addresses: [{ address: '10.0.0.1' }] } },
      /prefix length/,
    ],
    [
      'a default route',
      {
        ...sriov,
        ipam: { type: 'host-local', subnet: '10.0.0.0/24', routes: [{ dst: '0.0.0.0/0' }] },
      },
      /default route/,
    ],
    [
      'a chain that does not begin with sriov',
      { cniVersion: '1.0.0', plugins: [{ type: 'tuning' }, { type: 'sriov' }] },
      /not the first/,
    ],
    ['nothing that is JSON', '{', /no JSON/],
  ])('is %s', (_what, config, problem) => {
    expect(problems(config)).toMatch(problem);
  });

  it('is not for other plugins to be judged', () => {
    expect(problems({ cniVersion: '0.3.1', type: 'macvlan', master: 'eth0' })).toBe('');
  });
});
