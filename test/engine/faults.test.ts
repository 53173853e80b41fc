import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { apply } from '../../src/engine/apply.ts';
import type { Journal } from '../../src/engine/journal.ts';
import { verify } from '../../src/engine/verify.ts';
import type { Host } from '../../src/host.ts';
import { steps } from '../../src/steps/index.ts';
import { simulateHost } from '../../src/sysfs/simulated-host.ts';
import { treeView } from '../../src/sysfs/tree-fs.ts';
import { declaredState } from './declared-state.ts';
import { type Fault, faults, faultyHost } from './faulty-host.ts';
import { rememberingView } from './remembering-view.ts';

const tree = join(import.meta.dirname, '../../fixtures/82576-qemu');
const captured = rememberingView(treeView(tree));
const hostSteps = steps.filter(({ scope }) => scope === 'host');

/** A record that is kept in memory: what was begun and not taken back. */
const recording = () => {
  const begun = new Set<number>();
  const journal: Journal = {
    begun: ({ seq }) => begun.add(seq),
    done: () => undefined,
    undone: (seq) => begun.delete(seq),
    ended: () => undefined,
  };
  return { begun, journal };
};

/** Two VFs where there are none, through all stages; five where there are three, without the boot unit. */
const scenarios = [
  { start: 0, wanted: 2, stages: hostSteps },
  { start: 3, wanted: 5, stages: hostSteps.filter(({ id }) => id !== 'persist') },
] as const;
type Scenario = (typeof scenarios)[number];

const freshHost = async (start: number): Promise<Host> => {
  const host = simulateHost(captured);
  if (start > 0) {
    const path = '/sys/bus/pci/devices/0000:01:00.0/sriov_numvfs';
    await host.perform({ kind: 'attribute', path, value: String(start) });
    await host.wait(5_000);
  }
  return host;
};

const runOn = (host: Host, { wanted, stages }: Scenario, journal: Journal) => ({
  steps: stages,
  spec: {
    pfs: [{ address: '0000:01:00.0', selector: 'enp1s0f0', vfs: wanted }],
    iommu: 'auto',
    kube: { mode: 'off', namespace: 'kube-system', resourcePrefix: 'sriovctl.io' },
  } as const,
  host,
  direction: 'setup' as const,
  permissions: new Set(['recreate'] as const),
  journal,
  listener: () => undefined,
});

const pointsOf = async (scenario: Scenario): Promise<number> => {
  const host = faultyHost(await freshHost(scenario.start), -1, 'EIO');
  await apply(runOn(host, scenario, recording().journal));
  return host.points();
};

/** One fault at one point: how it ended, and whether host and record are as that ending says. */
const tryFault = async (scenario: Scenario, at: number, fault: Fault) => {
  const host = await freshHost(scenario.start);
  const before = await declaredState(host.fs);
  const { begun, journal } = recording();
  const result = await apply(runOn(faultyHost(host, at, fault), scenario, journal));
  await host.wait(5_000);
  return { ...result, host, before, after: await declaredState(host.fs), begun };
};

describe('a fault at any read, write or command', () => {
  test.each(scenarios)(
    'of a run from $start to $wanted VFs ends in a clear error, a consistent host and a true record',
    { timeout: 900_000 },
    async (scenario) => {
      const { start, wanted } = scenario;
      const points = await pointsOf(scenario);
      let tried = 0;
      for (const fault of faults) {
        for (let at = 0; at < points; at++) {
          const where = `${fault} at ${at}`;
          const {
            outcome,
            steps: reports,
            leftover,
            host,
            before,
            after,
            begun,
          } = await tryFault(scenario, at, fault);
          tried += 1;
          if (outcome === 'applied') {
            const check = await verify(runOn(host, scenario, recording().journal));
            expect(check.outcome, where).toBe('in-sync');
            continue;
          }
          const problems = reports.flatMap((report) => report.problems);
          expect(problems.length, where).toBeGreaterThan(0);
          expect(
            problems.map(({ code }) => code),
            where,
          ).not.toContain('INTERNAL');
          if (outcome === 'rollback-incomplete') {
            // Only a write that the kernel may still be working on is left alone.
            expect(leftover.join(), where).toContain('the kernel is still working on');
            continue;
          }
          expect(['refused', 'rolled-back'], where).toContain(outcome);
          expect(after, where).toEqual(before);
          expect([...begun], where).toEqual([]);
        }
      }
      console.log(`${tried} faults at ${points} points of a run from ${start} to ${wanted} VFs`);
    },
  );
});
