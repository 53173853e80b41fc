import { isOffOnlyNow, type Outlook, placeOf, readOutlook, statusIn } from '../boot/outlook.ts';
import type { LayerStatus } from '../boot/layers.ts';
import { bootSystems } from '../boot/systems/index.ts';
import { intelArgument, needsIommu } from '../boot/wanted.ts';
import type { Change } from '../change.ts';
import type { CheckResult } from '../check.ts';
import { commandLine, type HostError } from '../errors.ts';
import type { Problem } from '../events.ts';
import type { HostView } from '../host.ts';
import type { ResolvedSpec } from '../resolved-spec.ts';
import type { Step } from '../step.ts';
import { isKernelArgument } from '../sysfs/cmdline.ts';
import { type Iommu, readIommuGroup } from '../sysfs/iommu.ts';
import { forEachPf } from './checks.ts';

/**
 * Brings kernel arguments from the boot configuration to the running kernel, where the goal needs an
 * IOMMU or the user asked for arguments. VFs used as netdevs need neither.
 */
export const iommu: Step = {
  id: 'iommu',
  title: 'IOMMU and kernel arguments',
  scope: 'host',
  skip: async ({ iommu: wanted, boot }) =>
    wanted === 'off' && (boot?.kernelArgs ?? []).length === 0
      ? 'the IOMMU is left as it is (--iommu=off)'
      : undefined,
  preflight: [
    {
      id: 'iommu-in-firmware',
      title: 'the firmware offers an IOMMU, where one is needed',
      severity: 'error',
      run: async (spec, host) => checkFirmware(spec, await readOutlook(spec, host)),
    },
    {
      id: 'kernel-argument-conflicts',
      title: 'no kernel argument stands against what is wanted',
      severity: 'error',
      run: async (spec, host) => checkConflicts(spec, await readOutlook(spec, host)),
    },
    {
      id: 'boot-configuration',
      title: 'the boot configuration can be written',
      severity: 'error',
      run: async (spec, host) => checkBootSystem(await readOutlook(spec, host), host),
    },
  ],
  plan: async (spec, host) => {
    const { boot, wanted, iommu: found } = await readOutlook(spec, host);
    const inVain = found.state === 'absent-in-firmware';
    const useful = wanted.filter((argument) => argument !== intelArgument || !inVain);
    return boot === undefined || useful.length === 0 ? [] : boot.system.add(host, useful);
  },
  teardown: async (_spec, host) => {
    const changes: Change[] = [];
    for (const system of bootSystems) changes.push(...(await system.remove(host)));
    return changes;
  },
  checks: [
    {
      id: 'kernel-arguments',
      title: 'kernel arguments are kept and in force',
      severity: 'error',
      run: async (spec, host) => checkArguments(await readOutlook(spec, host)),
    },
    {
      id: 'iommu-active',
      title: 'the IOMMU works, where one is needed',
      severity: 'error',
      run: async (spec, host) => checkIommu(spec, host, await readOutlook(spec, host)),
    },
  ],
  explain: async (error, { action }) =>
    action.kind === 'regenerate' || action.kind === 'command'
      ? explain(error, commandLine(action.command))
      : undefined,
};

const firmwareNames = {
  intel: 'VT-d',
  amd: 'AMD-Vi (IOMMU)',
  arm: 'the SMMU',
  other: 'VT-d or AMD-Vi',
} as const;

const checkFirmware = (spec: ResolvedSpec, outlook: Outlook): CheckResult => {
  const { iommu: found } = outlook;
  if (!needsIommu(spec) || found.state !== 'absent-in-firmware') return { status: 'pass' };
  return {
    status: 'fail',
    problem: `the firmware describes no IOMMU (no ${tableName(found)} table in /sys/firmware/acpi/tables)${inVain(outlook)}`,
    hint: found.virtualMachine
      ? 'This is a virtual machine: give it an IOMMU (QEMU: -device intel-iommu,intremap=on), or leave out --iommu=on.'
      : `Enable ${firmwareNames[found.vendor]} in the firmware setup, or leave out --iommu=on: VFs used as netdevs need no IOMMU.`,
  };
};

/** Someone has asked the kernel for what the firmware does not offer. */
const inVain = ({ running }: Outlook): string => {
  const told = running.find(({ key }) => key === 'intel_iommu' || key === 'amd_iommu');
  return told === undefined ? '' : `; ${told.text} on the kernel command line has no effect`;
};

const tableName = ({ vendor }: Iommu): string =>
  ({ intel: 'DMAR', amd: 'IVRS', arm: 'IORT', other: 'DMAR or IVRS' })[vendor];

const checkConflicts = (spec: ResolvedSpec, { boot }: Outlook): CheckResult => {
  const bad = (spec.boot?.kernelArgs ?? []).find((argument) => !isKernelArgument(argument));
  if (bad !== undefined) {
    const hint = 'Give one argument without spaces, quotes and characters that a shell takes.';
    return { status: 'fail', problem: `${JSON.stringify(bad)} is no kernel argument`, hint };
  }
  if (boot === undefined || boot.conflicts.length === 0) return { status: 'pass' };
  const said = boot.conflicts.map(
    ({ word, against }) => `${placeOf(word)} has ${word.text}, which stands against ${against}`,
  );
  return {
    status: 'fail',
    problem: said.join('; '),
    hint: 'Somebody meant it: take it out there (and make the boot entries anew), or ask for less.',
  };
};

const checkBootSystem = async ({ boot }: Outlook, host: HostView): Promise<CheckResult> => {
  if (boot === undefined) return { status: 'pass' };
  const obstacle = await boot.system.obstacle(host, boot.missing);
  return obstacle === undefined
    ? { status: 'pass', detail: boot.system.title }
    : { status: 'fail', problem: obstacle.problem, hint: obstacle.hint };
};

const said: Readonly<Record<LayerStatus, string>> = {
  absent: 'is in no boot configuration',
  'configured-not-generated': 'is configured, but the boot entries were not made anew since',
  'pending-reboot': 'will be in force after a reboot',
  active: 'is in force',
  'active-not-persistent': 'is in force, but will be gone after the next boot',
  'active-but-ineffective': 'is on the kernel command line without effect',
};

const checkArguments = (outlook: Outlook): CheckResult => {
  const all = outlook.wanted.map((argument) => ({ argument, status: statusIn(outlook, argument) }));
  const words = (some: typeof all): string =>
    some.map(({ argument, status }) => `${argument} ${said[status]}`).join('; ');
  const failed = all.filter(({ status }) => status !== 'active' && status !== 'pending-reboot');
  if (failed.some(({ status }) => status === 'active-but-ineffective')) {
    const hint = `Enable ${firmwareNames[outlook.iommu.vendor]} in the firmware setup.`;
    return { status: 'fail', problem: words(failed), hint };
  }
  if (failed.length > 0) {
    const hint = `\`sriovctl setup\` brings it forward (${outlook.boot?.system.title ?? ''}).`;
    return { status: 'fail', problem: words(failed), hint };
  }
  if (all.length === 0) return { status: 'pass' };
  const pending = all.filter(({ status }) => status === 'pending-reboot');
  return pending.length > 0
    ? { status: 'reboot', because: words(pending) }
    : { status: 'pass', detail: words(all) };
};

const checkIommu = async (
  spec: ResolvedSpec,
  { fs }: HostView,
  outlook: Outlook,
): Promise<CheckResult> => {
  const { iommu: found, wanted } = outlook;
  if (found.state === 'active') {
    const detail = `the IOMMU works (${found.units.join(', ') || found.vendor})`;
    if (!needsIommu(spec)) return { status: 'pass', detail };
    return forEachPf(spec, async ({ address, selector }) =>
      (await readIommuGroup(fs, address)) === undefined
        ? {
            status: 'fail',
            problem: `${selector} has no IOMMU group, although the IOMMU works`,
            hint: 'The firmware leaves this slot out of its IOMMU; another slot, or a firmware update, may help.',
          }
        : { status: 'pass', detail },
    );
  }
  if (!needsIommu(spec)) {
    const vain = found.state === 'absent-in-firmware' ? inVain(outlook) : '';
    return { status: 'pass', detail: `the IOMMU is off; VFs used as netdevs need none${vain}` };
  }
  if (found.state === 'absent-in-firmware') return checkFirmware(spec, outlook);
  const pending = wanted.some((argument) => statusIn(outlook, argument) === 'pending-reboot');
  if (pending || isOffOnlyNow(outlook)) {
    return { status: 'reboot', because: 'the IOMMU is off and will be on after a reboot' };
  }
  const toDo = wanted.some((argument) => statusIn(outlook, argument) !== 'active');
  return {
    status: 'fail',
    problem: `the firmware describes an IOMMU (${found.table}), and the kernel does not use it`,
    hint: toDo
      ? 'It needs the kernel arguments above.'
      : 'See `dmesg | grep -iE "iommu|dmar|amd-vi|smmu"`; the kernel may have been built without a driver for it.',
  };
};

/** What a generator said when it failed, as far as it is known to mean something. */
const explain = (error: HostError, command: string): Problem | undefined => {
  if (error.errno !== 'EXIT') return undefined;
  const code = 'BOOT_GENERATOR_FAILED';
  const problem = `${command} failed: ${error.message}`;
  if (/no space left/i.test(error.message)) {
    return { code, problem, hint: 'Make room in /boot (old kernels?) and run the command again.' };
  }
  if (/not found|syntax error|unterminated/i.test(error.message)) {
    const hint =
      'A file below /etc/default that the shell reads is broken: repair the line it names.';
    return { code, problem, hint };
  }
  return { code, problem, hint: `Run ${command} by hand to see more.` };
};
