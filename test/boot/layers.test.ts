import { describe, expect, test } from 'vitest';
import { type BootLayers, missingFrom, statusOf } from '../../src/boot/layers.ts';
import { parseCmdline } from '../../src/sysfs/cmdline.ts';

const argument = 'intel_iommu=on';
const placed = (text: string) =>
  parseCmdline(text).map((word) => ({ ...word, path: '/x', line: 1 }) as const);

/** `?` is a layer that cannot be read. */
const layersOf = (configured: string, generated: string): BootLayers => ({
  sources: configured === '?' ? undefined : [{ path: '/x', words: placed(configured) }],
  entries:
    generated === '?'
      ? undefined
      : [
          { name: 'one', words: placed(argument) },
          { name: 'two', words: placed(generated) },
        ],
});

describe('the status of an argument', () => {
  test.each([
    ['', '', '', 'absent'],
    [argument, '', '', 'configured-not-generated'],
    [argument, argument, '', 'pending-reboot'],
    ['', argument, '', 'pending-reboot'],
    [argument, argument, argument, 'active'],
    ['', '', argument, 'active-not-persistent'],
    ['', argument, argument, 'active-not-persistent'],
    [argument, '', argument, 'configured-not-generated'],
    ['?', argument, '', 'pending-reboot'],
    ['?', argument, argument, 'active'],
    ['?', '', argument, 'active-not-persistent'],
    ['?', '', '', 'absent'],
    [argument, '?', '', 'pending-reboot'],
    [argument, '?', argument, 'active'],
    ['?', '?', argument, 'active'],
    ['?', '?', '', 'absent'],
    [`${argument} intel_iommu=off`, '', '', 'absent'],
  ])('configured %j, generated %j, running %j: %s', (configured, generated, running, status) => {
    expect(statusOf(argument, layersOf(configured, generated), parseCmdline(running))).toBe(status);
  });

  test('an argument in force that does nothing', () => {
    const layers = layersOf(argument, argument);
    expect(statusOf(argument, layers, parseCmdline(argument), false)).toBe(
      'active-but-ineffective',
    );
  });
});

test('what an opaque source holds is seen in the entries made from it', () => {
  expect(missingFrom(layersOf('?', argument), [argument])).toEqual([]);
  expect(missingFrom(layersOf('?', ''), [argument])).toEqual([argument]);
  expect(missingFrom(layersOf('?', ''), [argument], parseCmdline(argument))).toEqual([]);
});
