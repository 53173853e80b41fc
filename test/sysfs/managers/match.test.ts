import fc from 'fast-check';
import { expect, test } from 'vitest';
import { globMatches, listMatches } from '../../../src/sysfs/managers/match.ts';

test('a pattern without special characters matches itself and nothing else', () => {
  const name = fc.stringMatching(/^[\w.@:-]{1,15}$/);
  fc.assert(
    fc.property(name, name, (pattern, text) => {
      expect(globMatches(pattern, text)).toBe(pattern === text);
    }),
  );
});

test.each([
  ['enp1s0f*', 'enp1s0f0', true],
  ['enp?s0f0', 'enp1s0f0', true],
  ['eth[0-3]', 'eth2', true],
  ['eth[!0-3]', 'eth2', false],
  ['enp*', 'eno1', false],
  ['[', '[', true],
  ['a.c', 'abc', false],
])('%s matches %s: %s', (pattern, text, matches) => {
  expect(globMatches(pattern, text)).toBe(matches);
});

test('a list matches by any of its patterns, an inverted one by none, an empty one always', () => {
  expect(listMatches(['a', 'b*'], 'bc')).toBe(true);
  expect(listMatches(['!a', 'b*'], 'bc')).toBe(false);
  expect(listMatches(['!a', 'b*'], 'c')).toBe(true);
  expect(listMatches([], 'c')).toBe(true);
  expect(listMatches(['a'], undefined)).toBe(true);
});
