import { describe, expect, test } from 'vitest';
import { type NodeSpecInput, parseNodeSpec } from '../../src/spec/node-spec.ts';
import { resolveOptions } from '../../src/spec/vf-settings.ts';
import { vfSettingsOf } from '../../src/sysfs/vf-settings.ts';

type Pf = NodeSpecInput['pfs'][number];

const parse = (more: Omit<Pf, 'vfs'>, vfs = 4) => {
  const [pf] = parseNodeSpec({ pfs: [{ pf: 'enp1s0f0', vfs, ...more }] }).pfs;
  if (pf === undefined) throw new Error('no PF');
  return { address: '', selector: '', vfs, ...resolveOptions(pf) };
};

describe('settings of VFs', () => {
  test('add up, and the later one of two counts', () => {
    const pf = parse({
      driver: 'vfio-pci',
      settings: [
        { vfs: 'all', vlan: 5, trust: true },
        { vfs: '1-2', vlan: 7 },
        { vfs: 2, driver: 'kernel' },
      ],
    });
    expect(vfSettingsOf(pf, 0)).toEqual({ driver: 'vfio-pci', vlan: 5, trust: true });
    expect(vfSettingsOf(pf, 1)).toEqual({ driver: 'vfio-pci', vlan: 7, trust: true });
    expect(vfSettingsOf(pf, 2)).toEqual({ driver: 'kernel', vlan: 7, trust: true });
  });

  test('are kept as the kernel spells them', () => {
    const pf = parse({ settings: [{ vfs: 0, mac: '02:AB:00:00:00:01' }], eswitch: 'switchdev' });
    expect(vfSettingsOf(pf, 0).mac).toBe('02:ab:00:00:00:01');
    expect(pf.eswitch).toEqual({ mode: 'switchdev' });
  });

  test.each<[string, Omit<Pf, 'vfs'>]>([
    ['is no MAC address', { settings: [{ vfs: 0, mac: '02:00' }] }],
    ['is a multicast address', { settings: [{ vfs: 0, mac: '01:00:00:00:00:01' }] }],
    ['is the address that means none', { settings: [{ vfs: 0, mac: '00:00:00:00:00:00' }] }],
    ['cannot be that of 2 VFs', { settings: [{ vfs: '0-1', mac: '02:00:00:00:00:01' }] }],
    [
      'gives VF 0 and VF 1 the same MAC',
      {
        settings: [
          { vfs: 0, mac: '02:00:00:00:00:01' },
          { vfs: 1, mac: '02:00:00:00:00:01' },
        ],
      },
    ],
    ['is above 4094', { settings: [{ vfs: 0, vlan: 4095 }] }],
    ['needs a vlan beside it', { settings: [{ vfs: 0, qos: 3 }] }],
    ['above its maxTxRate', { settings: [{ vfs: 0, minTxRate: 20, maxTxRate: 10 }] }],
    ['names VF 4', { settings: [{ vfs: '0-4', trust: true }] }],
    ['no setting', { settings: [{ vfs: '0-3' }] }],
    [
      'has no netdev with the driver vfio-pci',
      { driver: 'vfio-pci', settings: [{ vfs: 0, mtu: 1400 }] },
    ],
    ['above that of its PF', { mtu: 1500, settings: [{ vfs: 0, mtu: 9000 }] }],
    ['is no driver name', { driver: '../../x' }],
    ['is no driver name', { settings: [{ vfs: 0, driver: 'a/b' }] }],
  ])('that cannot be: %s', (words, pf) => {
    expect(() => parse(pf)).toThrow(words);
  });
});
