import { join } from 'node:path';
import { createTwoFilesPatch } from 'diff';
import { bootModels } from '../../src/boot/models.ts';
import { readOutlook, statusIn } from '../../src/boot/outlook.ts';
import type { Change } from '../../src/change.ts';
import type { CheckResult } from '../../src/check.ts';
import { commandLine } from '../../src/errors.ts';
import type { HostPath } from '../../src/host.ts';
import type { ResolvedSpec } from '../../src/resolved-spec.ts';
import { iommu } from '../../src/steps/iommu.ts';
import { parseCmdline, satisfies } from '../../src/sysfs/cmdline.ts';
import { type SimulatedHost, simulateHost } from '../../src/sysfs/simulated-host.ts';
import { treeView } from '../../src/sysfs/tree-fs.ts';

export const pf = '0000:01:00.0';

export const specOf = (more: Partial<ResolvedSpec> = {}): ResolvedSpec => ({
  pfs: [{ address: pf, selector: 'enp1s0f0', vfs: 4 }],
  iommu: 'auto',
  kube: { mode: 'off', namespace: 'kube-system', resourcePrefix: 'sriovctl.io' },
  ...more,
});

/** One of fixtures/boot-*, as a host that can be tried on. */
export const bootFixture = (name: string): SimulatedHost =>
  simulateHost(treeView(join(import.meta.dirname, `../../fixtures/boot-${name}`)), {
    models: bootModels,
  });

export const setup = (spec: ResolvedSpec, host: SimulatedHost): Promise<readonly string[]> =>
  converge(host, () => iommu.plan(spec, host));

export const teardown = (host: SimulatedHost): Promise<readonly string[]> =>
  converge(host, () => iommu.teardown?.(specOf(), host) ?? Promise.resolve([]));

/** Performs what is planned, and plans again until nothing is; each change as text. */
const converge = async (
  host: SimulatedHost,
  plan: () => Promise<readonly Change[]>,
): Promise<readonly string[]> => {
  const made: string[] = [];
  for (let round = 0; round < 4; round += 1) {
    const changes = await plan();
    if (changes.length === 0) return made;
    for (const change of changes) {
      made.push(await textOf(change, host));
      await host.perform(change.action);
    }
  }
  throw new Error(`still planned after four rounds:\n${made.join('\n')}`);
};

const textOf = async ({ action, reason, disrupts }: Change, { fs }: SimulatedHost) => {
  const effects = disrupts === undefined ? '' : `\n  besides: ${disrupts}`;
  const because = `  because: ${reason}${effects}`;
  if (action.kind === 'command' || action.kind === 'regenerate') {
    return `run ${commandLine(action.command)}\n${because}`;
  }
  if (action.kind === 'remove') return `remove ${action.path}\n${because}`;
  if (action.kind !== 'file') throw new Error(`not expected here: ${action.kind}`);
  const before = await fs.readText(action.path);
  const [, , ...patch] = createTwoFilesPatch(
    before === undefined ? '/dev/null' : action.path,
    action.path,
    before ?? '',
    action.content,
    '',
    '',
    { context: 0 },
  ).split('\n');
  const mode = action.mode === undefined ? '' : ` (mode ${action.mode.toString(8)})`;
  return `write ${action.path}${mode}\n${because}\n${indent(patch.slice(1).join('\n').trimEnd())}`;
};

export const indent = (text: string): string => text.replaceAll(/^(?=.)/gm, '  ');

/** What the checks say, but for those that have nothing to say. */
export const checksText = async (
  spec: ResolvedSpec,
  host: SimulatedHost,
  which: 'preflight' | 'checks',
): Promise<string> => {
  const lines: string[] = [];
  for (const check of iommu[which] ?? []) {
    const text = resultText(await check.run(spec, host));
    if (text !== '') lines.push(`${check.id}: ${text}`);
  }
  return lines.join('\n');
};

const resultText = (result: CheckResult): string => {
  switch (result.status) {
    case 'pass':
      return result.detail ?? '';
    case 'fail':
      return `FAILED: ${result.problem}\n${indent(result.hint)}`;
    case 'reboot':
      return `REBOOT: ${result.because}`;
    case 'pending':
      return `pending: ${result.awaited}`;
    case 'skip':
      return `skipped: ${result.because}`;
  }
};

/** How far each wanted argument has come. */
export const statusText = async (spec: ResolvedSpec, host: SimulatedHost): Promise<string> => {
  const outlook = await readOutlook(spec, host);
  return outlook.wanted.map((argument) => `${argument}: ${statusIn(outlook, argument)}`).join('\n');
};

/** The next boot: the first boot entry's words run, and the IOMMU that the firmware describes is on or off. */
export const reboot = async (spec: ResolvedSpec, host: SimulatedHost): Promise<void> => {
  const { boot, iommu: found } = await readOutlook({ ...spec, iommu: 'on' }, host);
  const [entry] = boot?.layers.entries ?? [];
  if (entry === undefined) throw new Error('this host has no boot entry that could be read');
  const words = entry.words.map(({ text }) => text);
  await host.fs.writeFile('/proc/cmdline', `${words.join(' ')}\n`);
  if (found.state !== 'disabled-by-kernel') return;
  if (satisfies(parseCmdline(words.join(' ')), 'intel_iommu=off')) return;
  const device: HostPath = '/sys/devices/virtual/iommu/dmar0';
  await host.fs.plant('/sys/class/iommu/dmar0', { link: `../../../..${device}` });
  await host.fs.plant('/sys/kernel/iommu_groups/7', { folder: { type: 'DMA-FQ\n' } });
  const group = '../../../../kernel/iommu_groups/7';
  await host.fs.setLink(`/sys/bus/pci/devices/${pf}/iommu_group`, group);
};

/** Every file that differs from the fixture, apart from what a boot changes. */
export const changedFiles = async (name: string, host: SimulatedHost) => {
  const original = bootFixture(name).fs;
  const changed: string[] = [];
  for (const path of host.fs.changes()) {
    if (/^\/(sys|proc|run)\//.test(path)) continue;
    const stat = await host.fs.stat(path);
    if (stat?.kind === 'directory') continue;
    if ((await host.fs.readText(path)) !== (await original.readText(path))) changed.push(path);
  }
  return changed;
};
