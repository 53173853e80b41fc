import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Permission } from '../../src/change.ts';
import { apply } from '../../src/engine/apply.ts';
import { noJournal } from '../../src/engine/journal.ts';
import type { Run } from '../../src/engine/run.ts';
import { verify } from '../../src/engine/verify.ts';
import { HostError } from '../../src/errors.ts';
import type { Host } from '../../src/host.ts';
import { tallyOf } from '../../src/report/tally.ts';
import type { ResolvedSpec } from '../../src/resolved-spec.ts';
import type { Step } from '../../src/step.ts';
import { driver } from '../../src/steps/driver.ts';
import { vfs } from '../../src/steps/vfs.ts';
import { pciAttribute } from '../../src/sysfs/paths.ts';
import { rememberedView } from '../../src/sysfs/remembered.ts';
import { simulateHost } from '../../src/sysfs/simulated-host.ts';
import { treeView } from '../../src/sysfs/tree-fs.ts';
import { declaredState } from './declared-state.ts';
import { failingHost } from './failing-host.ts';

const captured = rememberedView(treeView(join(import.meta.dirname, '../../fixtures/82576-qemu')));
const pf = '0000:01:00.0';

/** Writes a file that exists, one that does not, and removes none: the file half of a stage's work. */
const fileStep: Step = {
  id: 'files',
  title: 'files',
  scope: 'host',
  plan: async (_spec, { fs }) => {
    const wanted = [
      { path: '/etc/default/grub', content: 'GRUB_TIMEOUT=1\n' },
      { path: '/etc/new/file', content: 'new\n' },
    ] as const;
    const changes = [];
    for (const { path, content } of wanted) {
      if ((await fs.readText(path)) === content) continue;
      changes.push({ action: { kind: 'file', path, content }, reason: 'wanted' } as const);
    }
    return changes;
  },
};

const specOf = (count: number): ResolvedSpec => ({
  pfs: [{ address: pf, selector: 'enp1s0f0', vfs: count }],
  iommu: 'auto',
  kube: { mode: 'off', namespace: 'kube-system', resourcePrefix: 'sriovctl.io' },
});

const runOn = (host: Host, count: number, permissions: readonly Permission[] = []): Run => ({
  steps: [fileStep, driver, vfs],
  spec: specOf(count),
  host,
  direction: 'setup',
  permissions: new Set(permissions),
  journal: noJournal,
  listener: () => undefined,
});

/** A host as a user may find it: some VFs already, the PF's driver bound or not, autoprobe on or off. */
const hostWith = async (start: Start): Promise<Host> => {
  const host = simulateHost(captured);
  const set = (name: string, value: string) =>
    host.perform({ kind: 'attribute', path: pciAttribute(pf, name), value });
  if (!start.autoprobe) await set('sriov_drivers_autoprobe', '0');
  if (start.vfs > 0) await set('sriov_numvfs', String(start.vfs));
  if (!start.bound) {
    await host.perform({ kind: 'trigger', path: '/sys/bus/pci/drivers/igb/unbind', value: pf });
  }
  await host.wait(5_000);
  return host;
};

interface Start {
  readonly vfs: number;
  readonly bound: boolean;
  readonly autoprobe: boolean;
}

const starts = fc.record({
  vfs: fc.integer({ min: 0, max: 7 }),
  bound: fc.boolean(),
  autoprobe: fc.boolean(),
});
const wanted = fc.integer({ min: 0, max: 9 });
const permissions: readonly Permission[] = ['recreate'];

describe('a verification', () => {
  /** A host whose file for GRUB cannot be read. */
  const blindHost = (host: Host): Host => ({
    ...host,
    fs: {
      readText: async (path) => {
        if (path === '/etc/default/grub') throw new HostError('EIO', path, 'read');
        return host.fs.readText(path);
      },
      readLink: (path) => host.fs.readLink(path),
      list: (path) => host.fs.list(path),
      stat: (path) => host.fs.stat(path),
    },
  });

  test('goes on where a stage cannot be looked at, and does not say that all is well', async () => {
    const host = await hostWith({ vfs: 0, bound: true, autoprobe: true });
    await apply({ ...runOn(host, 2), steps: [driver, vfs] });
    const { outcome, steps } = await verify(runOn(blindHost(host), 2));
    expect(outcome).toBe('unknown');
    expect(steps.map(({ status }) => status)).toEqual(['failed', 'in-sync', 'in-sync']);
    expect(steps[0]?.problems).toMatchObject([{ code: 'HOST_EIO' }]);
    expect(tallyOf(steps)).toMatchObject({ failed: 1, skipped: 0 });
  });

  test('tells drift whatever else cannot be looked at', async () => {
    const host = await hostWith({ vfs: 0, bound: true, autoprobe: true });
    expect(await verify(runOn(blindHost(host), 2))).toMatchObject({ outcome: 'drifted' });
  });
});

describe('a run', () => {
  test('leaves the host untouched while it only plans', async () => {
    await fc.assert(
      fc.asyncProperty(starts, wanted, async (start, count) => {
        const host = await hostWith(start);
        const before = await declaredState(host.fs);
        await verify(runOn(host, count));
        expect(await declaredState(host.fs)).toEqual(before);
      }),
      { numRuns: 40 },
    );
  });

  test('that succeeds ends in an empty plan, and a refused one changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(starts, wanted, async (start, count) => {
        const host = await hostWith(start);
        const before = await declaredState(host.fs);
        const { outcome } = await apply(runOn(host, count, permissions));
        if (outcome === 'applied' || outcome === 'in-sync') {
          expect(await verify(runOn(host, count))).toMatchObject({ outcome: 'in-sync' });
          expect(await apply(runOn(host, count))).toMatchObject({ outcome: 'in-sync' });
        } else {
          expect(['refused', 'rolled-back']).toContain(outcome);
          expect(count).toBeGreaterThan(7);
          const after = (await declaredState(host.fs)) as { contents: unknown };
          expect(after.contents).toEqual((before as { contents: unknown }).contents);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('makes a change that becomes possible only while the checks are looking', async () => {
    const host = await hostWith({ vfs: 0, bound: true, autoprobe: true });
    let named = false;
    const wanted = [
      { path: '/etc/new/first', content: 'first\n' },
      { path: '/etc/new/later', content: 'later\n' },
    ] as const;
    const step: Step = {
      id: 'late',
      title: 'late',
      scope: 'host',
      plan: async (_spec, { fs }) => {
        const changes = [];
        for (const { path, content } of named ? wanted : wanted.slice(0, 1)) {
          if ((await fs.readText(path)) === content) continue;
          changes.push({ action: { kind: 'file', path, content }, reason: 'wanted' } as const);
        }
        return changes;
      },
      checks: [
        {
          id: 'named',
          title: 'named',
          severity: 'error',
          run: async () => {
            named = true;
            return { status: 'pass' };
          },
        },
      ],
    };
    expect(await apply({ ...runOn(host, 0), steps: [step] })).toMatchObject({ outcome: 'applied' });
    expect(await host.fs.readText('/etc/new/later')).toBe('later\n');
  });

  test('that fails at any write ends in the state before', async () => {
    await fc.assert(
      fc.asyncProperty(
        starts,
        fc.integer({ min: 0, max: 7 }),
        fc.nat(8),
        async (start, count, at) => {
          const host = await hostWith(start);
          const before = await declaredState(host.fs);
          const run = runOn(failingHost(host, new Set([at])), count, permissions);
          const { outcome, leftover } = await apply(run);
          await host.wait(5_000);
          if (outcome === 'rolled-back') expect(await declaredState(host.fs)).toEqual(before);
          else expect(['applied', 'in-sync']).toContain(outcome);
          expect(leftover).toEqual([]);
        },
      ),
      { numRuns: 80 },
    );
  });

  test('whose rollback fails as well says exactly what is left', async () => {
    const host = await hostWith({ vfs: 0, bound: true, autoprobe: true });
    // Write 0 and 1 are the files; the VFs' write fails, and so does the removal of the new file.
    const { outcome, leftover } = await apply(runOn(failingHost(host, new Set([2, 3])), 4));
    expect(outcome).toBe('rollback-incomplete');
    expect(leftover).toEqual([
      expect.stringContaining('remove /etc/new/file: '),
      expect.stringContaining('remove /etc/new: '),
    ]);
  });

  test('without --recreate refuses another count before the first write', async () => {
    const host = await hostWith({ vfs: 2, bound: true, autoprobe: true });
    const { outcome, steps } = await apply({ ...runOn(host, 4), steps: [vfs] });
    expect(outcome).toBe('refused');
    expect(steps[0]?.problems[0]).toMatchObject({ code: 'NEEDS_RECREATE' });
  });
});
