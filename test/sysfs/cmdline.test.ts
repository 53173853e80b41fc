import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addArguments,
  contradictions,
  iommuDisabled,
  isKernelArgument,
  parseCmdline,
  removeArguments,
  satisfies,
  vfsPrevented,
} from '../../src/sysfs/cmdline.ts';

const texts = (words: readonly { readonly text: string }[]): string[] =>
  words.map(({ text }) => text);

describe('words are those of the kernel', () => {
  test.each([
    ['root=/dev/sda1 ro quiet\n', ['root', '/dev/sda1'], ['ro', undefined], ['quiet', undefined]],
    ['a="b c" d', ['a', 'b c'], ['d', undefined]],
    ['"a=b c" d', ['a', 'b c'], ['d', undefined]],
    ['"a b"', ['a b', undefined]],
    ['dyndbg="file x +p"', ['dyndbg', 'file x +p']],
    ['a=b=c', ['a', 'b=c']],
    ['vfio-pci.ids=8086:10ed', ['vfio_pci.ids', '8086:10ed']],
    ['a -- b', ['a', undefined]],
    ['a=-- --b', ['a', '--'], ['__b', undefined]],
    ['\t\ta\n b\r\n', ['a', undefined], ['b', undefined]],
    ['=a', ['=a', undefined]],
    ['a=', ['a', '']],
    ['a="b', ['a', 'b']],
    ['', ...[]],
  ] as const)('%j', (text, ...expected) => {
    expect(parseCmdline(text).map(({ key, value }) => [key, value])).toEqual(expected);
  });
});

describe('an argument is compared by its key and each value behind a comma', () => {
  test.each([
    ['intel_iommu=on,sm_on', 'intel_iommu=on', true],
    ['intel_iommu=sm_on', 'intel_iommu=on', false],
    ['intel-iommu=on', 'intel_iommu=on', true],
    ['intel_iommu=on intel_iommu=off', 'intel_iommu=on', false],
    ['intel_iommu=off intel_iommu=on', 'intel_iommu=on', true],
    ['intel_iommu=on,off', 'intel_iommu=on', false],
    ['xintel_iommu=on', 'intel_iommu=on', false],
    ['pci=realloc=off', 'pci=realloc', false],
    ['pci=noaer,realloc', 'pci=realloc', true],
    ['pci=realloc=on', 'pci=realloc', true],
    ['pci=realloc pci=noaer', 'pci=noaer,realloc', true],
    ['pci=hpbussize=8', 'pci=hpbussize=8', true],
    ['pci=hpbussize=80', 'pci=hpbussize=8', false],
    ['quiet', 'quiet', true],
    ['quiet=1', 'quiet', false],
    ['a -- intel_iommu=on', 'intel_iommu=on', false],
    ['', 'intel_iommu=on', false],
  ])('%j says %j: %s', (text, argument, said) => {
    expect(satisfies(parseCmdline(text), argument)).toBe(said);
  });
});

describe('words that stand against an argument', () => {
  test.each([
    ['intel_iommu=off', 'intel_iommu=on', ['intel_iommu=off']],
    ['intel_iommu=off intel_iommu=on', 'intel_iommu=on', []],
    ['iommu=off', 'intel_iommu=on', ['iommu=off']],
    ['iommu=off intel_iommu=on', 'intel_iommu=on', ['iommu=off']],
    ['iommu=nopt', 'iommu=pt', ['iommu=nopt']],
    ['amd_iommu=off', 'intel_iommu=on', []],
    ['amd_iommu=off', 'iommu=pt', ['amd_iommu=off']],
    ['pci=realloc=off', 'pci=realloc', ['pci=realloc=off']],
    ['pci=norom,noari', 'pci=ari', ['pci=norom,noari']],
    ['quiet pci=noaer', 'pci=realloc', []],
  ])('%j against %j: %j', (text, argument, against) => {
    expect(texts(contradictions(parseCmdline(text), argument))).toEqual(against);
  });

  test('an IOMMU is kept off by its own parameter, and by iommu=off for all', () => {
    const words = parseCmdline('intel_iommu=off amd_iommu=off iommu=pt,off');
    expect(texts(iommuDisabled(words, 'intel_iommu'))).toEqual(['iommu=pt,off', 'intel_iommu=off']);
    expect(texts(iommuDisabled(words, 'amd_iommu'))).toEqual(['iommu=pt,off', 'amd_iommu=off']);
    expect(iommuDisabled(words)).toHaveLength(3);
  });

  test('VFs are prevented by pci=off, pci=nosriov and pci=nomsi', () => {
    expect(
      texts(vfsPrevented(parseCmdline('pci=noaer,nomsi pci=nosriov pci=realloc=off'))),
    ).toEqual(['pci=noaer,nomsi', 'pci=nosriov']);
  });
});

describe('arguments are added and removed, and nothing else is changed', () => {
  test.each([
    ['root=/dev/sda1 quiet\n', 'root=/dev/sda1 quiet a=b c\n'],
    ['quiet', 'quiet a=b c'],
    ['quiet  \n', 'quiet a=b c  \n'],
    ['', 'a=b c'],
    ['\n', 'a=b c\n'],
    ['quiet -- single\n', 'quiet a=b c -- single\n'],
    ['-- single', 'a=b c -- single'],
  ])('%j', (before, after) => {
    expect(addArguments(before, ['a=b', 'c'])).toBe(after);
    expect(removeArguments(after, ['a=b', 'c'])).toBe(before);
  });

  test('only the last of equal words is removed, and nothing behind --', () => {
    expect(removeArguments('a b a -- a', ['a'])).toBe('a b -- a');
    expect(removeArguments('b -- a', ['a'])).toBe('b -- a');
    expect(removeArguments('intel_iommu=on,sm_on', ['intel_iommu=on'])).toBe(
      'intel_iommu=on,sm_on',
    );
  });

  test('on any command line the argument is there afterwards, and removing it restores every byte', () => {
    const word = fc.constantFrom('a', 'b=c', '"d e"', 'f="g h"', 'quiet', 'root=/dev/sda1');
    const line = fc
      .tuple(
        fc.array(fc.tuple(fc.constantFrom('', ' ', '  ', '\t'), word)),
        fc.constantFrom('', ' ', '\n', ' -- x'),
      )
      .map(([words, end]) => `${words.map(([space, text]) => `${space} ${text}`).join('')}${end}`);
    fc.assert(
      fc.property(line, (text) => {
        const added = addArguments(text, ['intel_iommu=on']);
        expect(satisfies(parseCmdline(added), 'intel_iommu=on')).toBe(true);
        expect(removeArguments(added, ['intel_iommu=on'])).toBe(text);
      }),
    );
  });
});

test('an argument is one word without anything that a shell or GRUB takes', () => {
  for (const good of [
    'intel_iommu=on',
    'pci=realloc,hpbussize=4',
    'quiet',
    'vfio-pci.ids=8086:10ed',
  ])
    expect(isKernelArgument(good), good).toBe(true);
  for (const bad of ['', '--', 'a b', 'a="b"', 'a=$b', 'a;b', "a='", 'a`', 'a=é', '=a', 'a=b\n'])
    expect(isKernelArgument(bad), bad).toBe(false);
});
