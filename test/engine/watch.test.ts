import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { noJournal } from '../../src/engine/journal.ts';
import type { Run } from '../../src/engine/run.ts';
import { watched } from '../../src/engine/watch.ts';
import type { RunEvent } from '../../src/events.ts';
import type { Host } from '../../src/host.ts';
import { vfs } from '../../src/steps/vfs.ts';
import { pciAttribute } from '../../src/sysfs/paths.ts';
import { simulateHost } from '../../src/sysfs/simulated-host.ts';
import { treeView } from '../../src/sysfs/tree-fs.ts';

const tree = join(import.meta.dirname, '../../fixtures/82576-qemu');
const pf = '0000:01:00.0';
/** A look is taken every half second. */
const aWhile = 700;

const told = async (host: Host, count: string, work: () => Promise<void>) => {
  const awaited: string[] = [];
  const listener = (event: RunEvent): void => {
    if (event.type === 'waiting') awaited.push(event.awaited);
  };
  const run: Run = {
    steps: [vfs],
    spec: {
      pfs: [],
      iommu: 'auto',
      kube: { mode: 'off', namespace: 'kube-system', resourcePrefix: 'sriovctl.io' },
    },
    host,
    direction: 'setup',
    permissions: new Set(),
    journal: noJournal,
    listener,
  };
  const path = pciAttribute(pf, 'sriov_numvfs');
  const change = { action: { kind: 'attribute', path, value: count }, reason: 'wanted' } as const;
  await watched(run, vfs, change, work());
  return awaited;
};

test('a write that takes long tells how many VFs are there', async () => {
  const host = simulateHost(treeView(tree));
  await host.perform({ kind: 'module', module: 'igbvf' });
  const path = pciAttribute(pf, 'sriov_numvfs');
  const slowly = async (value: string): Promise<void> => {
    await sleep(aWhile);
    await host.perform({ kind: 'attribute', path, value });
    await sleep(aWhile);
  };
  const made = await told(host, '4', () => slowly('4'));
  expect(made.at(0)).toBe('4 VFs of enp1s0f0, 0 are there');
  expect(made.at(-1)).toBe('4 VFs of enp1s0f0, 4 are there');
  const removed = await told(host, '0', () => slowly('0'));
  expect(removed.at(0)).toBe('the VFs of enp1s0f0 to go, 4 are left');
  expect(removed.at(-1)).toBe('the VFs of enp1s0f0 to go, 0 are left');
});

test('a write that fails ends the looks, and fails', async () => {
  const host = simulateHost(treeView(tree));
  const failing = told(host, '4', () => Promise.reject(new Error('EIO')));
  await expect(failing).rejects.toThrow('EIO');
});
