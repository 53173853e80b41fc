import { join } from 'node:path';
import { expect } from 'vitest';
import { apply } from '../../src/engine/apply.ts';
import { type Journal, type JournalEntry, noJournal } from '../../src/engine/journal.ts';
import { rollBack } from '../../src/engine/rollback.ts';
import type { Run } from '../../src/engine/run.ts';
import { verify } from '../../src/engine/verify.ts';
import type { Host } from '../../src/host.ts';
import type { Step } from '../../src/step.ts';
import { rememberedView } from '../../src/sysfs/remembered.ts';
import { simulateHost } from '../../src/sysfs/simulated-host.ts';
import { treeView } from '../../src/sysfs/tree-fs.ts';
import { declaredState } from './declared-state.ts';
import { canStrike, type Fault, faults, faultyHost, watchedHost } from './faulty-host.ts';
import { recording } from './recording.ts';

const tree = join(import.meta.dirname, '../../fixtures/82576-qemu');
const captured = rememberedView(treeView(tree));

/** A run whose every step goes wrong once. */
export interface Scenario {
  /** How many VFs there are, and how many are to be. */
  readonly start: number;
  readonly wanted: number;
  readonly stages: readonly Step[];
}

const freshHost = async ({ start }: Scenario): Promise<Host> => {
  const host = simulateHost(captured);
  if (start > 0) {
    const path = '/sys/bus/pci/devices/0000:01:00.0/sriov_numvfs';
    await host.perform({ kind: 'attribute', path, value: String(start) });
    await host.wait(5_000);
  }
  return host;
};

const runOn = (host: Host, { wanted, stages }: Scenario, journal: Journal): Run => ({
  steps: stages,
  spec: {
    pfs: [{ address: '0000:01:00.0', selector: 'enp1s0f0', vfs: wanted }],
    iommu: 'auto',
    kube: { mode: 'off', namespace: 'kube-system', resourcePrefix: 'sriovctl.io' },
  },
  host,
  direction: 'setup',
  permissions: new Set(['recreate']),
  journal,
  listener: () => undefined,
});

const settledState = async (host: Host): Promise<unknown> => {
  await host.wait(5_000);
  return declaredState(host.fs);
};

/** Takes back what a record has, as `undo` and the next run do. */
const takeBack = (host: Host, entries: readonly JournalEntry[]): Promise<readonly string[]> =>
  rollBack({ host, journal: noJournal, listener: () => undefined, entries });

const pointsOf = async (scenario: Scenario) => {
  const host = watchedHost(await freshHost(scenario));
  await apply(runOn(host, scenario, noJournal));
  return host.points();
};

/** One fault at one point: it ends in a clear error, a consistent host and a true record. */
const tryFault = async (scenario: Scenario, at: number, fault: Fault, before: unknown) => {
  const where = `${fault} at ${at}`;
  const host = await freshHost(scenario);
  const { journal, open } = recording();
  const { outcome, steps, leftover } = await apply(
    runOn(faultyHost(host, at, fault), scenario, journal),
  );
  if (outcome === 'applied') {
    await host.wait(5_000);
    const check = await verify(runOn(host, scenario, noJournal));
    expect(check.outcome, where).toBe('in-sync');
    return;
  }
  const codes = steps.flatMap(({ problems }) => problems.map(({ code }) => code));
  expect(codes.length, where).toBeGreaterThan(0);
  expect(codes, where).not.toContain('INTERNAL');
  if (outcome === 'rollback-incomplete') {
    // Only what waits behind a write that the kernel may still be working on is left alone.
    expect(leftover.join(), where).toContain('the kernel is still working on');
    expect(await takeBack(host, open()), where).toEqual([]);
  } else {
    expect(['refused', 'rolled-back'], where).toContain(outcome);
    expect(open(), where).toEqual([]);
  }
  expect(await settledState(host), where).toEqual(before);
};

/** Every fault at every read, write and command of a run; prints how many there were. */
export const tryFaults = async (scenario: Scenario): Promise<void> => {
  const before = await settledState(await freshHost(scenario));
  const points = await pointsOf(scenario);
  let tried = 0;
  for (const fault of faults) {
    for (const [at, point] of points.entries()) {
      if (!canStrike(fault, point)) continue;
      await tryFault(scenario, at, fault, before);
      tried += 1;
    }
  }
  const { start, wanted } = scenario;
  console.log(`${tried} faults at ${points.length} points of a run from ${start} to ${wanted} VFs`);
};

/** The end of the process at every write, be it made or not: undone, and gone on from by another run. */
export const tryKills = async (scenario: Scenario): Promise<void> => {
  const before = await settledState(await freshHost(scenario));
  const writes = (await pointsOf(scenario)).filter((point) => point === 'write').length;
  for (let at = 0; at < writes; at++) {
    for (const made of [true, false]) await tryKill(scenario, at, made, before);
  }
  const { start, wanted } = scenario;
  console.log(`killed at ${writes} writes of a run from ${start} to ${wanted} VFs`);
};

const tryKill = async (scenario: Scenario, at: number, made: boolean, before: unknown) => {
  const where = `killed ${made ? 'after' : 'before'} write ${at}`;
  const undone = await killedAt(scenario, at, made);
  expect(undone.entries.length, where).toBe(at + 1);
  expect(await takeBack(undone.host, undone.entries), where).toEqual([]);
  expect(await settledState(undone.host), where).toEqual(before);

  const { host, entries: inherited } = await killedAt(scenario, at, made);
  const { journal, open } = recording();
  for (const entry of inherited) journal.begun(entry);
  const next = await apply({ ...runOn(host, scenario, journal), inherited });
  expect(['applied', 'in-sync'], where).toContain(next.outcome);
  const check = await verify(runOn(host, scenario, noJournal));
  expect(check.outcome, where).toBe('in-sync');
  expect(await takeBack(host, open()), where).toEqual([]);
  expect(await settledState(host), where).toEqual(before);
};

/** The end of the process: nothing more is read or written, and nothing rolled back. */
class Killed extends Error {}

/** The run up to its write of that number, which is or is not made, and what is recorded then. */
const killedAt = async (scenario: Scenario, at: number, made: boolean) => {
  const host = await freshHost(scenario);
  let left = at;
  let dead = false;
  const mortal: Host = {
    ...watchedHost(host, () => {
      if (dead) throw new Killed();
      return undefined;
    }),
    perform: async (action) => {
      if (left === 0 && made) await host.perform(action);
      dead ||= left === 0;
      if (dead) throw new Killed();
      left -= 1;
      await host.perform(action);
    },
  };
  const { journal, open } = recording();
  // A dead process writes no record either.
  const mortalJournal: Journal = {
    ...journal,
    done: () => undefined,
    undone: (seq) => {
      if (!dead) journal.undone(seq);
    },
  };
  await apply(runOn(mortal, scenario, mortalJournal));
  return { host, entries: open() };
};
