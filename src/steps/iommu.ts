import { isOffOnlyNow, type Outlook, readOutlook, statusIn } from '../boot/outlook.ts';
import { bootSystems } from '../boot/systems/index.ts';
import {
  checkArguments,
  checkBootSystem,
  checkConflicts,
  checkFirmware,
  checkNames,
  inVain,
} from '../boot/verdicts.ts';
import { intelArgument, needsIommu } from '../boot/wanted.ts';
import type { Change } from '../change.ts';
import type { CheckResult } from '../check.ts';
import { commandLine, type HostError } from '../errors.ts';
import type { Problem } from '../events.ts';
import type { HostView } from '../host.ts';
import { isNeededByOthers } from '../persist/record.ts';
import type { ResolvedSpec } from '../resolved-spec.ts';
import type { Step } from '../step.ts';
import { readIommuGroup } from '../sysfs/iommu.ts';
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
      run: async (spec, host) => checkBootSystem(spec, await readOutlook(spec, host), host),
    },
    {
      id: 'pf-names-after-reboot',
      title: 'PFs have the same names after the reboot',
      severity: 'warning',
      run: async (spec, host) => checkNames(spec, await readOutlook(spec, host), host),
    },
  ],
  plan: async (spec, host) => {
    const { boot, wanted, iommu: found } = await readOutlook(spec, host);
    const offered = found.state !== 'absent-in-firmware';
    const useful = wanted.filter((argument) => argument !== intelArgument || offered);
    return boot === undefined || useful.length === 0 ? [] : boot.system.add(host, useful);
  },
  teardown: async (spec, host) => {
    if (await isNeededByOthers(spec, host.fs)) return [];
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
