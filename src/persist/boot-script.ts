import type { PfBootPlan } from './boot-plan.ts';
import { renderOps } from './render-ops.ts';
import { shellFunctions } from './shell-functions.ts';
import { shellWord } from './shell-word.ts';

/** The line by which a file is known to be ours. */
export const madeBySriovctl =
  '# Made by sriovctl; changes are lost with the next `sriovctl setup`.';

/** How long a run of ours, cards and drivers are waited for, in seconds. */
export const patience = { run: 120, card: 1, driver: 4 } as const;

/**
 * The program that makes the VFs again after a boot: POSIX sh with sysfs, ip, devlink and modprobe
 * and nothing else, so that a boot needs neither Node.js nor this program. Everything is in
 * functions and the last line calls them: of a script that was cut off, nothing runs.
 */
export const bootScript = (plans: readonly PfBootPlan[]): string =>
  [
    '#!/bin/sh',
    madeBySriovctl,
    '# Makes the Virtual Functions again after a boot. Arguments: PCI addresses of PFs; without any, all.',
    shellFunctions,
    ...plans.flatMap(renderPf),
    ...renderMain(plans.map(({ identity }) => identity.address)),
    '',
  ].join('\n');

const functionName = (address: string): string => `pf_${address.replaceAll(/[:.]/g, '_')}`;

const renderPf = ({ identity, vfs, ops }: PfBootPlan): readonly string[] => {
  const { address, vendor, device, mac, module } = identity;
  const card = [vendor, device, mac ?? 'none', module].map(shellWord).join(' ');
  return [
    `${functionName(address)}() {`,
    ...[`find_pf ${card} || return`, `without_vfs ${vfs} || return`, ...renderOps(ops)].map(
      (line) => `  ${line}`,
    ),
    '}',
    '',
  ];
};

const renderMain = (addresses: readonly string[]): readonly string[] => [
  'main() {',
  `  [ "$#" -gt 0 ] || set -- ${addresses.join(' ')}`,
  `  after_run ${patience.run} "$@"`,
  '  clock',
  `  card_by=$((now + ${patience.card * 100})) driver_by=$((now + ${patience.driver * 100}))`,
  '  for address; do',
  '    case $address in',
  ...addresses.map((address) => `      ${address}) ${functionName(address)} ;;`),
  "      *) fail 'this PF was not set up' ;;",
  '    esac',
  '  done',
  '  return "$failed"',
  '}',
  '',
  'main "$@"',
];
