import { describe, expect, test } from 'vitest';
import { knownDrivers } from '../../src/sysfs/known-driver-table.ts';
import { knownPfDriver, knownVfDriver } from '../../src/sysfs/known-drivers.ts';

describe('the table of drivers', () => {
  test('has ids that are ids, each PF in one row', () => {
    const seen = new Set<string>();
    for (const { vendor, pfs, vfs } of knownDrivers) {
      expect(vendor).toMatch(/^[0-9a-f]{4}$/);
      for (const id of [...pfs, ...vfs]) expect(id).toMatch(/^[0-9a-fx]{4}$/);
      for (const id of pfs) {
        expect(seen).not.toContain(`${vendor}:${id}`);
        seen.add(`${vendor}:${id}`);
      }
    }
  });

  test.each([
    ['8086', '10c9', 'igb', 'igbvf'],
    ['8086', '1521', 'igb', 'igbvf'],
    ['8086', '10fb', 'ixgbe', 'ixgbevf'],
    ['8086', '1572', 'i40e', 'iavf'],
    ['8086', '1593', 'ice', 'iavf'],
    ['15b3', '101d', 'mlx5_core', 'mlx5_core'],
    ['14e4', '1750', 'bnxt_en', 'bnxt_en'],
    ['1425', '5401', 'cxgb4', 'cxgb4vf'],
  ])('knows %s:%s: %s, with %s for its VFs', (vendor, device, driver, vfDriver) => {
    expect(knownPfDriver({ vendor, device })).toMatchObject({ driver, vfDriver });
  });

  test('tells two families of one driver apart, and knows the driver of an unknown card', () => {
    const rate = (device: string) =>
      knownPfDriver({ vendor: '8086', device, driver: 'igb' })?.refuses.maxTxRate;
    expect(rate('10c9')).toBeUndefined();
    expect(rate('1521')).toBe('EOPNOTSUPP');
    expect(knownPfDriver({ vendor: 'ffff', device: 'ffff', driver: 'ice' })?.vfDriver).toBe('iavf');
    expect(knownPfDriver({ vendor: 'ffff', device: 'ffff' })).toBeUndefined();
  });

  test('finds the driver of a VF by its ids', () => {
    expect(knownVfDriver('8086', '1889')?.vfDriver).toBe('iavf');
    expect(knownVfDriver('1425', '58a0')?.vfDriver).toBe('cxgb4vf');
  });
});
