import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { apply } from '../../src/engine/apply.ts';
import type { Journal, JournalEntry } from '../../src/engine/journal.ts';
import { type RunRecord, readRecords, resumeRecord, startRecord } from '../../src/engine/record.ts';
import { SriovctlError } from '../../src/errors.ts';
import type { ResolvedSpec } from '../../src/resolved-spec.ts';
import { driver } from '../../src/steps/driver.ts';
import { vfs } from '../../src/steps/vfs.ts';
import { simulateHost } from '../../src/sysfs/simulated-host.ts';
import { treeView } from '../../src/sysfs/tree-fs.ts';
import { declaredState } from './declared-state.ts';

const tree = join(import.meta.dirname, '../../fixtures/82576-qemu');
const spec: ResolvedSpec = {
  pfs: [{ address: '0000:01:00.0', selector: 'enp1s0f0', vfs: 4 }],
  iommu: 'auto',
  kube: { mode: 'off', namespace: 'kube-system', resourcePrefix: 'sriovctl.io' },
};

describe('a record on a disk that is full', () => {
  /** From one of its calls on. */
  const fullFrom = (first: number): Journal & { readonly calls: () => number } => {
    let calls = 0;
    const write = (): void => {
      calls += 1;
      if (calls <= first) return;
      throw new SriovctlError('RECORD_UNWRITABLE', 'no space', { exit: 'refused', hint: 'room' });
    };
    return { begun: write, done: write, undone: write, ended: write, calls: () => calls };
  };

  /** From two VFs to four, which takes two writes. */
  const runWith = async (journal: Journal) => {
    const host = simulateHost(treeView(tree));
    const path = '/sys/bus/pci/devices/0000:01:00.0/sriov_numvfs';
    await host.perform({ kind: 'attribute', path, value: '2' });
    await host.wait(5_000);
    const before = await declaredState(host.fs);
    const notices: string[] = [];
    const result = await apply({
      steps: [driver, vfs],
      spec,
      host,
      direction: 'setup',
      permissions: new Set(['recreate'] as const),
      journal,
      listener: (event) => {
        if (event.type === 'notice') notices.push(event.text);
      },
    });
    await host.wait(5_000);
    return { ...result, notices, before, after: await declaredState(host.fs) };
  };

  test('ends the run wherever that is, and the host is as it was', async () => {
    const room = fullFrom(Number.POSITIVE_INFINITY);
    expect((await runWith(room)).outcome).toBe('applied');
    expect(room.calls()).toBeGreaterThan(4);
    for (let first = 0; first < room.calls() - 1; first++) {
      const { outcome, steps, leftover, notices, before, after } = await runWith(fullFrom(first));
      const where = `full from call ${first}`;
      expect(['refused', 'rolled-back'], where).toContain(outcome);
      expect(steps.at(-1)?.problems[0]?.code, where).toBe('RECORD_UNWRITABLE');
      expect(leftover, where).toEqual([]);
      expect(notices.at(-1), where).toContain('The next run looks at this one again');
      expect(after, where).toEqual(before);
    }
  });

  test('that fills up at the very end does not undo what was done', async () => {
    const room = fullFrom(Number.POSITIVE_INFINITY);
    await runWith(room);
    const { outcome, notices } = await runWith(fullFrom(room.calls() - 1));
    expect(outcome).toBe('applied');
    expect(notices).toHaveLength(1);
  });
});

describe('a record on the disk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sriovctl-record-'));
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const entry = (seq: number, content: string): JournalEntry => ({
    seq,
    stepId: 'files',
    scope: 'host',
    change: { action: { kind: 'file', path: '/etc/x', content }, reason: 'wanted' },
    before: { kind: 'nothing' },
  });

  /** The kernel lets no file of this process grow beyond this size meanwhile, and cuts writes off there. */
  const withFilesUpTo = (bytes: number, act: () => void): void => {
    const limit = (soft: string): void => {
      execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${soft}:`]);
    };
    limit(String(bytes));
    try {
      act();
    } finally {
      limit('unlimited');
    }
  };

  test('has whole lines only, also when a line did not fit', () => {
    const header = { id: '1', command: 'setup', startedAt: '', bootId: 'a', spec };
    const journal = startRecord(header, folder);
    journal.begun(entry(0, 'first'));
    const { size } = statSync(join(folder, '1.jsonl'));
    withFilesUpTo(size + 40, () => {
      expect(() => {
        journal.begun(entry(1, 'x'.repeat(1_000)));
      }).toThrow(expect.objectContaining({ code: 'RECORD_UNWRITABLE' }));
      expect(statSync(join(folder, '1.jsonl')).size).toBe(size);
      journal.undone(0);
    });
    journal.ended('rolled-back', []);
    expect(readRecords(folder)).toMatchObject([{ entries: [], outcome: 'rolled-back' }]);
  });

  const header = (id: string) => ({ id, command: 'setup', startedAt: '', bootId: 'a', spec });

  test('that a crash has cut off in a line is taken up again after it', () => {
    startRecord(header('1'), folder).begun(entry(0, 'first'));
    appendFileSync(join(folder, '1.jsonl'), '\n{"type":"begun","ent');
    const [killed] = readRecords(folder);
    expect(killed).toMatchObject({ entries: [{ seq: 0 }] });
    expect(killed).not.toHaveProperty('outcome');
    const journal = resumeRecord(killed as RunRecord);
    journal.undone(0);
    journal.ended('undone', []);
    expect(readRecords(folder)).toMatchObject([{ entries: [], outcome: 'undone' }]);
  });

  test('of a killed run belongs to the run that goes on from it, from its first line on', () => {
    startRecord(header('1'), folder).begun(entry(0, 'first'));
    const [killed] = readRecords(folder);
    const continues = { id: '1', entries: killed?.entries ?? [] };
    const journal = startRecord({ ...header('2'), continues }, folder);
    expect(readRecords(folder)).toMatchObject([
      { id: '1', outcome: 'continued' },
      { id: '2', entries: [{ seq: 0 }] },
    ]);
    journal.begun(entry(1, 'second'));
    journal.undone(0);
    journal.ended('rollback-incomplete', ['what is left']);
    expect(readRecords(folder).at(-1)).toMatchObject({
      entries: [{ seq: 1 }],
      outcome: 'rollback-incomplete',
    });
  });
});
