import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIndexes, includesIndex } from '../../../src/kube/pools/index-ranges.ts';

describe('VF indexes in the device plugin’s spelling', () => {
  it.each([
    [[0, 1, 2, 3], '0-3'],
    [[6, 0, 1, 3, 2], '0-3,6'],
    [[4], '4'],
    [[1, 1, 2], '1-2'],
    [[], ''],
  ])('%j is %s', (indexes, text) => {
    expect(formatIndexes(indexes)).toBe(text);
  });

  it('select exactly the indexes they were made from', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(300), { minLength: 1 }), (indexes) => {
        const text = formatIndexes(indexes);
        const selected = Array.from({ length: 301 }, (_, index) => index).filter((index) =>
          includesIndex(text, index),
        );
        expect(selected).toEqual([...indexes].sort((a, b) => a - b));
      }),
    );
  });

  it.each([
    ['0-3, 5', 5, false],
    ['0-3, 5', 3, true],
    ['5-2', 3, false],
    ['x,1', 1, false],
    ['1,x', 1, true],
    ['', 0, false],
  ])('%j at %i is read as the plugin reads it: %s', (text, index, found) => {
    expect(includesIndex(text, index)).toBe(found);
  });
});
