import type { CheckResult } from '../check.ts';
import type { HostView } from '../host.ts';
import type { ResolvedSpec } from '../resolved-spec.ts';
import { isKernelArgument, satisfies } from '../sysfs/cmdline.ts';
import type { Iommu } from '../sysfs/iommu.ts';
import { permanentMacs } from '../sysfs/resolve-pf.ts';
import type { LayerStatus } from './layers.ts';
import { type Outlook, placeOf, statusIn } from './outlook.ts';
import { renumbersBuses } from './remedies.ts';
import { needsIommu } from './wanted.ts';

/** Whether the firmware offers what is needed. */
export const checkFirmware = (spec: ResolvedSpec, outlook: Outlook): CheckResult => {
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
export const inVain = ({ running }: Outlook): string => {
  const told = running.find(({ key }) => key === 'intel_iommu' || key === 'amd_iommu');
  return told === undefined ? '' : `; ${told.text} on the kernel command line has no effect`;
};

const tableName = ({ vendor }: Iommu): string =>
  ({ intel: 'DMAR', amd: 'IVRS', arm: 'IORT', other: 'DMAR or IVRS' })[vendor];

/** Whether somebody has decided otherwise in a file that stays. */
export const checkConflicts = (spec: ResolvedSpec, { boot }: Outlook): CheckResult => {
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

/** Whether the arguments can be put in here; a person gets the exact words where not. */
export const checkBootSystem = async (
  spec: ResolvedSpec,
  { boot }: Outlook,
  host: HostView,
): Promise<CheckResult> => {
  if (boot === undefined) return { status: 'pass' };
  if (spec.boot?.grubFile === true && boot.system.id !== 'grub-file') {
    return {
      status: 'fail',
      problem: `--grub-file: the boot entries of this host (${boot.system.title}) are not made from /etc/default/grub`,
      hint: 'Leave out --grub-file.',
    };
  }
  const obstacle = await boot.system.obstacle(host, boot.missing);
  return obstacle === undefined
    ? { status: 'pass', detail: boot.system.title }
    : { status: 'fail', problem: obstacle.problem, hint: obstacle.hint };
};

/** Where buses are numbered anew, a name may mean another card after the boot; a MAC does not. */
export const checkNames = async (
  { pfs }: ResolvedSpec,
  { wanted, running }: Outlook,
  host: HostView,
): Promise<CheckResult> => {
  const renumbering = wanted.find(
    (argument) => renumbersBuses(argument) && !satisfies(running, argument),
  );
  if (renumbering === undefined) return { status: 'pass' };
  const macs = await permanentMacs(host);
  const lasting = pfs.flatMap(({ address, selector }) => {
    const mac = macs.find((own) => own.address === address)?.mac;
    return mac === undefined || mac === selector.toLowerCase()
      ? []
      : [`--pf ${mac} is ${selector}`];
  });
  return {
    status: 'fail',
    problem: `${renumbering}: a PF may have another address and name after the reboot`,
    hint: `Name it by its MAC address then${lasting.map((name) => ` (${name})`).join('')}.`,
  };
};

const said: Readonly<Record<LayerStatus, string>> = {
  absent: 'is in no boot configuration',
  'configured-not-generated': 'is configured, but the boot entries were not made anew since',
  'pending-reboot': 'will be in force after a reboot',
  active: 'is in force',
  'active-not-persistent': 'is in force, but will be gone after the next boot',
  'active-but-ineffective': 'is on the kernel command line without effect',
};

/** How far the arguments have come. */
export const checkArguments = (outlook: Outlook): CheckResult => {
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

const firmwareNames = {
  intel: 'VT-d',
  amd: 'AMD-Vi (IOMMU)',
  arm: 'the SMMU',
  other: 'VT-d or AMD-Vi',
} as const;
