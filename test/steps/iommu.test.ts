import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bootModels } from '../../src/boot/models.ts';
import { apply } from '../../src/engine/apply.ts';
import { noJournal } from '../../src/engine/journal.ts';
import type { Run } from '../../src/engine/run.ts';
import { verify } from '../../src/engine/verify.ts';
import type { HostPath } from '../../src/host.ts';
import type { ResolvedSpec } from '../../src/resolved-spec.ts';
import type { Step } from '../../src/step.ts';
import { iommu } from '../../src/steps/iommu.ts';
import {
  type SimulatedHost,
  type SimulationOptions,
  simulateHost,
} from '../../src/sysfs/simulated-host.ts';
import { treeView } from '../../src/sysfs/tree-fs.ts';
import { changedFiles, reboot, specOf } from '../boot/rehearsal.ts';

const on = specOf({ iommu: 'on' });
const menu: HostPath = '/boot/grub/grub.cfg';

const hostOf = (name: string, models: SimulationOptions['models'] = {}): SimulatedHost =>
  simulateHost(treeView(join(import.meta.dirname, `../../fixtures/boot-${name}`)), {
    models: { ...bootModels, ...models },
  });

/** Stands for all stages that the reboot is waited for. */
const after: Step = { id: 'after', title: 'after', scope: 'host', plan: async () => [] };

const runOn = (host: SimulatedHost, spec: ResolvedSpec = on): Run => ({
  steps: [iommu, after],
  spec,
  host,
  direction: 'setup',
  permissions: new Set(),
  journal: noJournal,
  listener: () => undefined,
});

const failing = (stderr: string) => ({
  'update-grub': async () => ({ ran: true, exitCode: 1, stdout: '', stderr }) as const,
});

describe('through the engine', () => {
  test('setup ends for a reboot, goes on after it, and a teardown brings the first state back', async () => {
    const host = hostOf('debian-13');
    const first = await apply(runOn(host));
    expect(first.outcome).toBe('reboot-required');
    expect(first.steps.map(({ status }) => status)).toEqual(['reboot-required', 'skipped']);
    const again = await apply(runOn(host));
    expect(again.outcome).toBe('reboot-required');
    expect(again.steps[0]?.changes).toEqual([]);
    expect((await verify(runOn(host))).outcome).toBe('drifted');

    await reboot(on, host);
    expect((await apply(runOn(host))).outcome).toBe('in-sync');
    expect((await verify(runOn(host))).outcome).toBe('in-sync');

    const gone = await apply({ ...runOn(host), direction: 'teardown' });
    expect(gone.outcome).toBe('applied');
    expect(await changedFiles('debian-13', host)).toEqual([]);
    expect((await apply({ ...runOn(host), direction: 'teardown' })).outcome).toBe('in-sync');
  });

  test('a teardown of one PF leaves the kernel arguments to those that are set up besides', async () => {
    const host = hostOf('debian-13');
    await apply(runOn(host));
    const plan = { identity: { address: '0000:02:00.0', module: 'ice' }, vfs: 4, ops: [] };
    const record = { mechanism: 'boot-unit', plans: [plan], files: [], folders: [] };
    await host.fs.plant('/var/lib/sriovctl/persist.json', JSON.stringify(record));
    const named: ResolvedSpec = {
      ...on,
      pfs: [{ address: '0000:01:00.0', selector: 'enp1s0f0', vfs: 0 }],
    };
    const teardown = { ...runOn(host, named), steps: [iommu], direction: 'teardown' } as const;
    expect((await apply(teardown)).outcome).toBe('in-sync');
    const last = { ...named, pfs: [], gone: ['0000:01:00.0', '0000:02:00.0'] };
    expect((await apply({ ...teardown, spec: last })).outcome).toBe('applied');
  });

  test('a host that needs nothing is left alone', async () => {
    for (const name of ['debian-12', 'amd', 'arm64-smmu', 'rhel-9', 'talos', 'unknown']) {
      const host = hostOf(name);
      expect((await apply(runOn(host, specOf()))).outcome, name).toBe('in-sync');
      expect(host.fs.changes(), name).toEqual([]);
    }
  });

  test('--iommu=off looks at nothing', async () => {
    const result = await apply(runOn(hostOf('conflict'), specOf({ iommu: 'off' })));
    expect(result.steps[0]).toMatchObject({ status: 'skipped' });
  });

  test.each([
    ['conflict', 'kernel-argument-conflicts'],
    ['firmware-off', 'iommu-in-firmware'],
    ['talos', 'boot-configuration'],
  ])('%s is refused by %s, and nothing is written', async (name, check) => {
    const host = hostOf(name);
    const { outcome, steps } = await apply(runOn(host));
    expect(outcome).toBe('refused');
    expect(steps[0]?.problems.map(({ code }) => code)).toContain(check);
    expect(host.fs.changes()).toEqual([]);
  });

  test.each([
    ['cat: write error: No space left on device', 'Make room in /boot'],
    ['/etc/default/grub: 7: splash: not found', 'repair the line it names'],
    ['something else', 'Run /usr/sbin/update-grub by hand'],
  ])('a generator that fails (%s) leaves the host as it was', async (stderr, hint) => {
    const host = hostOf('debian-13', failing(stderr));
    const { outcome, steps, leftover } = await apply(runOn(host));
    expect({ outcome, leftover }).toEqual({ outcome: 'rolled-back', leftover: [] });
    expect(steps[0]?.problems[0]?.hint).toContain(hint);
    expect(await changedFiles('debian-13', host)).toEqual([]);
  });

  test.each([{}, { grubFile: true }])('no room for a new menu is foretold (%j)', async (boot) => {
    const stat = async () => ({ ran: true, exitCode: 0, stdout: '0 4096\n', stderr: '' }) as const;
    const host = hostOf('debian-13', { stat });
    const { outcome, steps } = await apply(runOn(host, specOf({ iommu: 'on', boot })));
    expect(outcome).toBe('refused');
    expect(steps[0]?.problems[0]?.problem).toMatch(/no room for a new .*grub\.cfg/);
    expect(host.fs.changes()).toEqual([]);
  });

  test('a generator that says it succeeded is not believed', async () => {
    const host = hostOf('debian-13', { 'update-grub': async () => [] });
    const { outcome, steps } = await apply(runOn(host));
    expect(outcome).toBe('rolled-back');
    expect(steps[0]?.problems[0]?.problem).toContain('the boot entries were not made anew');
  });

  test('an argument typed at boot is made to last, without another reboot', async () => {
    const host = hostOf('debian-12');
    const cmdline = (await host.fs.readText('/proc/cmdline')) ?? '';
    await host.fs.writeFile('/proc/cmdline', cmdline.replace('quiet', 'quiet intel_iommu=on'));
    expect((await verify(runOn(host))).steps[0]?.problems[0]?.problem).toContain(
      'will be gone after the next boot',
    );
    expect((await apply(runOn(host))).outcome).toBe('applied');
    expect(await host.fs.readText(menu)).toContain('intel_iommu=on');
  });

  test('a PF outside of a working IOMMU is told', async () => {
    const host = hostOf('amd');
    await host.fs.remove('/sys/bus/pci/devices/0000:01:00.0/iommu_group');
    const { steps } = await verify(runOn(host));
    expect(steps[0]?.problems[0]?.problem).toContain('enp1s0f0 has no IOMMU group');
  });

  test('a kernel without a driver for the IOMMU is told', async () => {
    const host = hostOf('amd');
    await host.fs.plant('/sys/class/iommu', { folder: {} });
    await host.fs.plant('/sys/kernel/iommu_groups', { folder: {} });
    const { steps } = await verify(runOn(host));
    expect(steps[0]?.problems[0]?.problem).toContain('IVRS');
  });

  test('a virtual machine without an IOMMU is told how to get one', async () => {
    const host = hostOf('firmware-off');
    await host.fs.writeFile('/proc/cpuinfo', 'vendor_id : GenuineIntel\nflags : hypervisor\n');
    const { steps } = await verify(runOn(host));
    expect(steps[0]?.problems[0]?.hint).toContain('-device intel-iommu');
  });
});
