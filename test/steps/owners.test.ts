import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Permission } from '../../src/change.ts';
import { apply } from '../../src/engine/apply.ts';
import { noJournal } from '../../src/engine/journal.ts';
import type { Run, RunResult } from '../../src/engine/run.ts';
import { forewarnings } from '../../src/engine/setup.ts';
import { warningsOf } from '../../src/events.ts';
import { vfs } from '../../src/steps/vfs.ts';
import { pciAttribute } from '../../src/sysfs/paths.ts';
import { readAttribute } from '../../src/sysfs/read.ts';
import { type SimulatedHost, simulateHost } from '../../src/sysfs/simulated-host.ts';
import { treeView } from '../../src/sysfs/tree-fs.ts';
import {
  bindToVfio,
  hostWithVfs,
  moveAway,
  pf,
  plantProcess,
} from '../sysfs/owners/host-with-vfs.ts';

const run = (
  host: SimulatedHost,
  count: number,
  direction: Run['direction'],
  ...permissions: readonly Permission[]
): Promise<RunResult> =>
  apply({
    steps: [vfs],
    spec: {
      pfs: [{ address: pf, selector: 'enp1s0f0', vfs: count }],
      iommu: 'auto',
      kube: { mode: 'off', namespace: 'kube-system', resourcePrefix: 'sriovctl.io' },
    },
    host,
    direction,
    permissions: new Set(permissions),
    journal: noJournal,
    listener: () => undefined,
  });

const numvfs = (host: SimulatedHost) => readAttribute(host.fs, pciAttribute(pf, 'sriov_numvfs'));

const problemsOf = ({ steps }: RunResult) => steps.flatMap(({ problems }) => problems);

describe('VFs that somebody uses', () => {
  test('are not removed without --force, and every user is named', async () => {
    const host = await hostWithVfs();
    await moveAway(host, 0);
    const group = await bindToVfio(host, 1);
    await plantProcess(host, 4242, {
      comm: 'qemu-system-x86',
      argv: ['qemu-system-x86_64', '-name', 'vm1'],
      open: [group],
    });
    const before = host.fs.changes().length;
    for (const result of [
      await run(host, 2, 'setup', 'recreate'),
      await run(host, 0, 'setup', 'recreate'),
      await run(host, 0, 'teardown'),
    ]) {
      expect(result.outcome).toBe('refused');
      const [problem] = problemsOf(result);
      expect(problem?.code).toBe('NEEDS_FORCE');
      expect(problem?.problem).toContain('VF 0 (0000:01:10.0) by another network namespace');
      expect(problem?.problem).toContain(
        'VF 1 (0000:01:10.2) by qemu-system-x86 (pid 4242, guest vm1)',
      );
      expect(problem?.hint).toContain('--force');
      expect(problem?.hint).toContain('hangs');
    }
    expect(host.fs.changes()).toHaveLength(before);
  });

  test('are told of together with the missing --recreate', async () => {
    const host = await hostWithVfs();
    await moveAway(host, 0);
    const codes = problemsOf(await run(host, 2, 'setup')).map(({ code }) => code);
    expect(codes).toEqual(['NEEDS_RECREATE', 'NEEDS_FORCE']);
    const forced = problemsOf(await run(host, 2, 'setup', 'force')).map(({ code }) => code);
    expect(forced).toEqual(['NEEDS_RECREATE']);
  });

  test('are removed with --force', async () => {
    const host = await hostWithVfs();
    await moveAway(host, 0);
    expect(await run(host, 2, 'setup', 'recreate', 'force')).toMatchObject({ outcome: 'applied' });
    expect(await numvfs(host)).toBe('2');
  });

  test('are left alone by a run that removes nothing', async () => {
    const host = await hostWithVfs();
    await moveAway(host, 0);
    expect(await run(host, 4, 'setup')).toMatchObject({ outcome: 'in-sync' });
  });
});

test('VFs that nobody uses are removed without --force', async () => {
  const host = await hostWithVfs();
  expect(await run(host, 0, 'teardown')).toMatchObject({ outcome: 'applied' });
  expect(await numvfs(host)).toBe('0');
});

test('what goes over a PF is said of each change that resets its port', async () => {
  const host = await hostWithVfs(
    {
      'ip -j address show': [
        { ifname: 'enp1s0f0', addr_info: [{ local: '10.0.0.5', scope: 'global' }] },
      ],
    },
    { reachedAt: '10.0.0.5' },
  );
  const { steps } = await run(host, 2, 'setup', 'recreate');
  const writes = (steps[0]?.changes ?? []).filter(
    ({ change: { action } }) => action.kind === 'attribute' && action.path.endsWith('numvfs'),
  );
  expect(writes).toHaveLength(2);
  for (const { change } of writes) {
    expect(change.disrupts).toContain('enp1s0f0 (this SSH session) may lose its link');
  }
});

test('a tree in which each VF has another kind of user names them all', async () => {
  const tree = join(import.meta.dirname, '../../fixtures/owned-vfs');
  const refused = await run(simulateHost(treeView(tree)), 0, 'teardown');
  expect(problemsOf(refused)[0]?.problem).toBe(
    [
      'VFs of enp1s0f0 are in use: VF 0 (0000:01:10.0) by the network namespace of nginx (pid 3055, pod default/web)',
      'VF 1 (0000:01:10.2) by qemu-system-x86 (pid 4242, guest vm1)',
      'VF 2 (enp1s0f0v2) by pod default/dpdk-0 (sriovctl.io/enp1s0f0)',
      'VF 3 (enp1s0f0v3) by this host: a port of br0',
    ].join('; '),
  );
  const host = simulateHost(treeView(tree));
  const { outcome, steps } = await run(host, 0, 'teardown', 'force');
  expect(outcome).toBe('applied');
  expect(await numvfs(host)).toBe('0');
  expect(forewarnings(steps).join()).toContain('enp1s0f0 (the default route) may lose its link');
});

test('a PF whose last write has not ended is not touched, and the reason is told', async () => {
  const host = await hostWithVfs();
  const path = pciAttribute(pf, 'sriov_numvfs');
  await host.fs.plant(path, { content: '4\n', readErrno: 'ETIMEDOUT' });
  const result = await run(host, 2, 'setup', 'recreate', 'force');
  expect(result.outcome).toBe('refused');
  expect(problemsOf(result)[0]).toMatchObject({ code: 'pf-answers' });
});

describe('a PF that somebody else manages', () => {
  test('is left to the operator that has set it up', async () => {
    const host = await hostWithVfs();
    await host.fs.plant(`/etc/sriov-operator/pci/${pf}`, '{"numVfs":4}');
    const result = await run(host, 2, 'setup', 'recreate', 'force');
    expect(result.outcome).toBe('refused');
    expect(problemsOf(result)[0]).toMatchObject({ code: 'pf-not-the-operators' });
    expect(await numvfs(host)).toBe('4');
  });

  test('is set up all the same with a warning that names file and line', async () => {
    const host = await hostWithVfs();
    const text = 'echo 4 >/sys/class/net/enp1s0f0/device/sriov_numvfs\n';
    await host.fs.plant('/etc/rc.local', text);
    const { outcome, steps } = await run(host, 2, 'setup', 'recreate');
    expect(outcome).toBe('applied');
    const warnings = warningsOf(steps);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.problem).toContain('/etc/rc.local:1');
    expect(forewarnings(steps).join('\n')).toContain('/etc/rc.local:1');
  });
});
