import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  comparePciAddresses,
  formatPciAddress,
  normalizePciAddress,
  parsePciAddress,
  vfAddress,
} from '../../src/sysfs/pci-address.ts';

const address = (text: string) => {
  const parsed = parsePciAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no PCI address`);
  return parsed;
};

describe('VF addresses are routing-ID arithmetic', () => {
  test.each([
    // As the kernel places them: an 82576 under QEMU, and the I350 without ARI of the tutorial.
    ['0000:01:00.0', 128, 2, ['0000:01:10.0', '0000:01:10.2', '0000:01:10.4', '0000:01:10.6']],
    ['0000:01:00.1', 128, 2, ['0000:01:10.1', '0000:01:10.3']],
    ['0000:01:00.0', 384, 4, ['0000:02:10.0', '0000:02:10.4', '0000:02:11.0', '0000:02:11.4']],
  ])('of %s with offset %i and stride %i', (pf, offset, stride, expected) => {
    const places = expected.map((_, index) =>
      formatPciAddress(vfAddress(address(pf), { offset, stride }, index)),
    );
    expect(places).toEqual(expected);
  });
});

test('what is formatted is parsed back', () => {
  const anyAddress = fc.record({
    domain: fc.nat(0xffff),
    bus: fc.nat(0xff),
    device: fc.nat(0x1f),
    fn: fc.nat(7),
  });
  fc.assert(
    fc.property(anyAddress, (it) => {
      expect(address(formatPciAddress(it))).toEqual(it);
    }),
  );
});

test.each([
  ['01:00.0', '0000:01:00.0'],
  ['0000:3B:00.1', '0000:3b:00.1'],
  ['10000:01:00.0', '10000:01:00.0'],
  ['01:20.0', undefined],
  ['01:00.8', undefined],
  ['../../etc', undefined],
  ['0000:01:00.0/..', undefined],
])('%s as a PCI address is %s', (text, expected) => {
  expect(normalizePciAddress(text)).toBe(expected);
});

test('addresses are ordered as lspci orders them', () => {
  const sorted = ['10000:00:00.0', '0000:01:10.0', '0000:01:00.1', '0000:01:00.0'].sort(
    comparePciAddresses,
  );
  expect(sorted).toEqual(['0000:01:00.0', '0000:01:00.1', '0000:01:10.0', '10000:00:00.0']);
});
