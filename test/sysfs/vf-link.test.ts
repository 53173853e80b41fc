import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HostView, VfAttributes } from '../../src/host.ts';
import {
  asBefore,
  differing,
  readVfLinks,
  vfCommandLines,
  vfCommands,
  vfError,
} from '../../src/sysfs/vf-link.ts';

const action = {
  kind: 'vf',
  netdev: 'enp1s0f0',
  vfs: [
    { index: 0, mac: '02:00:00:00:00:01', vlan: 100, qos: 3, proto: '802.1q', trust: true },
    { index: 2, maxTxRate: 100, minTxRate: 10, spoofCheck: false, linkState: 'enable' },
    { index: 3, vlan: 5, qos: 0, proto: '802.1ad' },
  ],
} as const;

const attributes: fc.Arbitrary<VfAttributes> = fc.record({
  mac: fc.constantFrom('02:00:00:00:00:01', '02:00:00:00:00:02'),
  vlan: fc.integer({ min: 0, max: 4094 }),
  qos: fc.integer({ min: 0, max: 7 }),
  proto: fc.constantFrom('802.1q', '802.1ad'),
  minTxRate: fc.nat(9),
  maxTxRate: fc.nat(99),
  spoofCheck: fc.boolean(),
  trust: fc.boolean(),
  linkState: fc.constantFrom('auto', 'enable', 'disable'),
});
const someAttributes: fc.Arbitrary<VfAttributes> = fc
  .tuple(attributes, fc.subarray(['mac', 'vlan', 'trust', 'spoofCheck', 'maxTxRate'] as const))
  .map(([all, keys]) => Object.fromEntries(keys.map((key) => [key, all[key]])));

describe('settings of VFs', () => {
  test('are one message each: of several in one line the kernel would take the last alone', () => {
    const lines = vfCommandLines(action).map((argv) => argv.join(' '));
    expect(lines).toEqual([
      'ip link set dev enp1s0f0 vf 0 mac 02:00:00:00:00:01 vlan 100 qos 3 trust on',
      'ip link set dev enp1s0f0 vf 2 max_tx_rate 100 min_tx_rate 10 spoofchk off state enable',
      'ip link set dev enp1s0f0 vf 3 vlan 5 qos 0 proto 802.1ad',
    ]);
    const [command, ...more] = vfCommands(action);
    expect(more).toEqual([]);
    expect(command?.argv).toEqual(['ip', '-batch', '-']);
    expect(command?.stdin).toBe(lines.map((line) => `${line.slice('ip '.length)}\n`).join(''));
  });

  test('of a netdev whose name a batch would read as a comment are commands of their own', () => {
    const commands = vfCommands({ ...action, netdev: 'a#b' });
    expect(commands.map(({ argv }) => argv[4])).toEqual(['a#b', 'a#b', 'a#b']);
    expect(commands.every(({ stdin }) => stdin === undefined)).toBe(true);
  });

  test('that differ are enough to get from what is to what is wanted, and none do then', () => {
    fc.assert(
      fc.property(attributes, someAttributes, (actual, wanted) => {
        const open = differing(wanted, actual);
        expect(differing(wanted, { ...actual, ...open })).toEqual({});
        expect(Object.keys(differing(actual, actual))).toEqual([]);
      }),
    );
  });

  test('are taken back to exactly what they were', () => {
    fc.assert(
      fc.property(attributes, someAttributes, (before, wanted) => {
        const open = differing(wanted, before);
        const [undo] = asBefore({ index: 1, ...open }, before);
        expect({ index: 1, ...before, ...open, ...undo }).toEqual({ index: 1, ...before });
      }),
    );
  });

  test('that a driver says nothing of are not taken back', () => {
    expect(asBefore({ index: 0, trust: true }, { mac: '02:00:00:00:00:01' })).toEqual([]);
  });
});

test('an error of a batch is about the line that it names', () => {
  const output = 'RTNETLINK answers: Operation not supported\nCommand failed -:2\n';
  const [command] = vfCommands(action);
  if (command === undefined) throw new Error('no command');
  expect(vfError(action, command, output)).toMatchObject({
    errno: 'EOPNOTSUPP',
    subject:
      'ip link set dev enp1s0f0 vf 2 max_tx_rate 100 min_tx_rate 10 spoofchk off state enable',
  });
});

test('what ip 6.15 says of the VFs of an 82576 is read', async () => {
  const stdout = JSON.stringify([
    {
      ifname: 'enp1s0f0',
      vfinfo_list: [
        {
          vf: 0,
          link_type: 'ether',
          address: '02:00:00:00:00:20',
          vlan_list: [{ vlan: 100, qos: 3 }],
          tx_rate: 100,
          rate: { max_tx: 100, min_tx: 0 },
          spoofchk: false,
          link_state: 'auto',
          trust: true,
        },
        { vf: 1, address: '00:00:00:00:00:00', vlan_list: [{}], link_state: 'auto' },
      ],
    },
  ]);
  const host = {
    query: async () => ({ ran: true, exitCode: 0, stdout, stderr: '' }),
  } as Partial<HostView> as HostView;
  const links = await readVfLinks(host, 'enp1s0f0');
  expect(links?.get(0)).toEqual({
    mac: '02:00:00:00:00:20',
    vlan: 100,
    qos: 3,
    proto: '802.1q',
    minTxRate: 0,
    maxTxRate: 100,
    spoofCheck: false,
    trust: true,
    linkState: 'auto',
  });
  // What a driver does not report is not made up.
  expect(links?.get(1)).not.toHaveProperty('spoofCheck');
});
