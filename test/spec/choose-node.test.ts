import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseNode, isOfNode, matchesNode } from '../../src/spec/choose-node.ts';
import { didYouMean } from '../../src/spec/did-you-mean.ts';
import type { SpecFile } from '../../src/spec/spec-file.ts';
import { HostTree } from '../kube/host-tree.ts';

const node = { hostname: 'Worker-12', labels: { role: 'net', zone: 'a' } };

describe('an entry for nodes', () => {
  test.each([
    [undefined, true],
    [{ hostname: 'worker-12' }, true],
    [{ hostname: 'worker-*' }, true],
    [{ hostname: 'worker-?' }, false],
    [{ hostname: '*-1?' }, true],
    [{ hostname: 'worker' }, false],
    [{ labels: { role: 'net' } }, true],
    [{ labels: { role: 'n*', zone: 'b' } }, false],
    [{ labels: { rack: '*' } }, false],
    [{ hostname: 'other', labels: { role: 'net' } }, false],
    [{ labels: { constructor: '*' } }, false],
  ])('%j fits worker-12: %s', (match, fits) => {
    expect(matchesNode(match, node)).toBe(fits);
  });

  test('a pattern means what its regular expression means, and takes no long', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 12 });
    const names = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 });
    fc.assert(
      fc.property(letters, names, (hostname, name) => {
        const expression = hostname.replaceAll('*', '.*').replaceAll('?', '.');
        expect(matchesNode({ hostname }, { hostname: name, labels: {} })).toBe(
          new RegExp(`^${expression}$`).test(name),
        );
      }),
    );
    expect(
      matchesNode({ hostname: `${'*a'.repeat(40)}b` }, { hostname: 'a'.repeat(200), labels: {} }),
    ).toBe(false);
  });
});

describe('a file for several nodes', () => {
  const entry = (vfs: number, more: object = {}) => ({
    spec: { pfs: [{ pf: 'a', vfs }], ...more },
  });
  const file: SpecFile = {
    kind: 'several',
    nodes: [
      { match: { hostname: 'laptop' }, ...entry(1) },
      { match: { hostname: 'worker-*' }, ...entry(2) },
      { match: { labels: { role: 'net' } }, ...entry(3, { kube: { node: '10.0.0.5' } }) },
    ],
  };
  const laptop = {
    fs: new HostTree('laptop'),
    query: () => Promise.resolve({ ran: false, because: 'no programs' } as const),
  };
  const chosen = async (node?: string, labels = {}) =>
    (await chooseNode(file, laptop, { labels, node })).pfs[0]?.vfs;

  test('is for any node; one for a single node that is kept on a host is for that host', async () => {
    expect(await isOfNode(file, laptop, 'worker-7')).toBe(true);
    const own: SpecFile = { kind: 'one', ...entry(1) };
    expect(await isOfNode(own, laptop, undefined)).toBe(true);
    expect(await isOfNode(own, laptop, 'laptop')).toBe(true);
    expect(await isOfNode(own, laptop, 'worker-7')).toBe(false);
    expect(await isOfNode(own, laptop, 'laptop.example.com')).toBe(true);
    expect(await isOfNode(own, laptop, 'laptop2.example.com')).toBe(false);
    const full = { ...laptop, fs: new HostTree('laptop.example.com') };
    expect(await isOfNode(own, full, 'laptop')).toBe(true);
    expect(await isOfNode(own, full, 'laptop.example.org')).toBe(false);
    const named: SpecFile = { kind: 'one', ...entry(1, { kube: { node: 'worker-7' } }) };
    expect(await isOfNode(named, laptop, 'worker-7')).toBe(true);
  });

  test('is read for this host, and with a node named for that node alone', async () => {
    expect(await chosen()).toBe(1);
    expect(await chosen('worker-7')).toBe(2);
    expect(await chosen('10.0.0.5')).toBe(3);
    expect(await chosen('other', { role: 'net' })).toBe(3);
    await expect(chosen('other')).rejects.toThrow(/no entry of the spec file is for other/);
  });
});

test('the nearest known word is proposed, and none where all are far', () => {
  const keys = ['pfs', 'iommu', 'persist', 'kube'];
  expect(didYouMean('IOMMU', keys)).toBe('iommu');
  expect(didYouMean('presist', keys)).toBe('persist');
  expect(didYouMean('colour', keys)).toBeUndefined();
});
