import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { needsUnboundVfs, stableMac, wantedDrivers } from '../../src/sysfs/vf-settings.ts';

const macs = fc
  .array(fc.integer({ min: 0, max: 255 }), { minLength: 6, maxLength: 6 })
  .map((bytes) => bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':'));

describe('the stable MAC of a VF', () => {
  test('is a locally administered unicast address, whatever the card and the index', () => {
    fc.assert(
      fc.property(macs, fc.integer({ min: 0, max: 65_535 }), (mac, index) => {
        const stable = stableMac(mac, index);
        expect(stable).toMatch(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/);
        expect(Number.parseInt(stable, 16) & 0b11).toBe(0b10);
        expect(stableMac(mac.toUpperCase(), index)).toBe(stable);
      }),
    );
  });

  test('is another one for each VF of a card, and for each card', () => {
    const all = ['52:54:00:00:01:00', '52:54:00:00:01:01'].flatMap((mac) =>
      Array.from({ length: 256 }, (_, index) => stableMac(mac, index)),
    );
    expect(new Set(all).size).toBe(all.length);
  });

  test('is the documented hash, so that it never changes', () => {
    expect(stableMac('52:54:00:00:01:00', 0)).toBe('be:7f:c0:c8:0f:a9');
    expect(stableMac('52:54:00:00:01:00', 3)).toBe('b2:bf:dc:5a:5e:10');
  });
});

describe('VFs', () => {
  const pf = { address: '', selector: '', vfs: 3 };

  test('are made without a driver only where something has to come before it', () => {
    expect(needsUnboundVfs(pf)).toBe(false);
    expect(needsUnboundVfs({ ...pf, settings: [{ vfs: [0], vlan: 5, trust: true }] })).toBe(false);
    expect(needsUnboundVfs({ ...pf, driver: 'kernel' })).toBe(false);
    expect(needsUnboundVfs({ ...pf, driver: 'vfio-pci' })).toBe(true);
    expect(needsUnboundVfs({ ...pf, macPolicy: 'stable' })).toBe(true);
    expect(needsUnboundVfs({ ...pf, settings: [{ vfs: [2], mac: '02:00:00:00:00:01' }] })).toBe(
      true,
    );
    expect(needsUnboundVfs({ ...pf, vfs: 0, driver: 'vfio-pci' })).toBe(false);
  });

  test('without a wish are for the usual driver of the kernel', () => {
    const settings = [{ vfs: [1], driver: 'vfio-pci' }];
    expect(wantedDrivers({ ...pf, settings })).toEqual(['kernel', 'vfio-pci']);
    expect(wantedDrivers({ ...pf, vfs: 0, settings })).toEqual([]);
  });
});
