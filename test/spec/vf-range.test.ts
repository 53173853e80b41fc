import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatVfRange, parseVfRange } from '../../src/spec/vf-range.ts';

describe('a range of VFs', () => {
  test.each([
    ['0-3,5', [0, 1, 2, 3, 5]],
    ['5,0-1,1', [0, 1, 5]],
    ['7', [7]],
    ['all', [0, 1, 2, 3, 4, 5, 6, 7]],
  ])('%s of eight VFs', (text, indexes) => {
    expect(parseVfRange(text, 8)).toEqual(indexes);
  });

  test.each([
    ['', 'is no range'],
    ['0-', 'is no range'],
    ['-1', 'is no range'],
    ['0 - 3', 'is no range'],
    ['0x1', 'is no range'],
    ['1e1', 'is no range'],
    ['0,,1', 'is no range'],
    ['3-1', 'counts down'],
    ['8', 'names VF 8'],
    ['0-99999', 'names VF 99999'],
  ])('%j is none', (text, problem) => {
    expect(parseVfRange(text, 8)).toContain(problem);
  });

  test('is spelled so that it reads back', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(99), { minLength: 1 }), (indexes) => {
        const sorted = [...indexes].sort((a, b) => a - b);
        expect(parseVfRange(formatVfRange(indexes), 100)).toEqual(sorted);
      }),
    );
  });
});
