import { createHash } from 'node:crypto';
import type { PfBootPlan } from './boot-plan.ts';
import { madeBySriovctl, patience } from './boot-script.ts';
import { scriptPath } from './places.ts';

/** What runs pods on a node; names that do not exist harm nobody. */
export const agentUnits = [
  'kubelet.service',
  'k3s.service',
  'k3s-agent.service',
  'rke2-server.service',
  'rke2-agent.service',
  'snap.k8s.kubelet.service',
  'snap.microk8s.daemon-kubelite.service',
] as const;

/** Whoever configures networks or looks for VFs comes after them. */
const beforeUnits = [
  'NetworkManager.service',
  'systemd-networkd.service',
  'wicked.service',
  'wickedd.service',
  'networking.service',
  'openvswitch.service',
  'openvswitch-switch.service',
  'ovs-vswitchd.service',
  ...agentUnits,
] as const;

/** openibd unloads and loads the drivers of NVIDIA cards, which takes their VFs away. */
const afterUnits = [
  'local-fs.target',
  'systemd-modules-load.service',
  'systemd-udevd.service',
  'systemd-udev-trigger.service',
  'openibd.service',
] as const;

/** Part of each boot: everything in it is bounded, and the boot goes on whatever becomes of it. */
export const bootUnitText = (script: string, plans: readonly PfBootPlan[]): string =>
  unitText({
    Unit: [
      'Description=SR-IOV Virtual Functions',
      'DefaultDependencies=no',
      `RequiresMountsFor=${scriptPath}`,
      `After=${afterUnits.join(' ')}`,
      'Wants=network-pre.target',
      `Before=network-pre.target ${beforeUnits.join(' ')}`,
      ...untilShutdown,
    ],
    Service: [
      'Type=oneshot',
      'RemainAfterExit=yes',
      ...runsScript(script),
      `TimeoutStartSec=${timeoutFor(plans)}`,
    ],
    Install: ['WantedBy=multi-user.target'],
  });

/**
 * Started by the udev rule when a PF gets its driver, and gone when the PF loses it, so that it runs
 * again for the next time. In a boot it waits for the unit above and finds the VFs already there.
 */
export const pfUnitText = (script: string, plans: readonly PfBootPlan[]): string =>
  unitText({
    Unit: [
      'Description=SR-IOV Virtual Functions of %i',
      'DefaultDependencies=no',
      `RequiresMountsFor=${scriptPath}`,
      `BindsTo=${deviceUnit('%i')}`,
      `After=${deviceUnit('%i')} sriovctl-boot.service local-fs.target openibd.service`,
      ...untilShutdown,
    ],
    Service: [
      'Type=oneshot',
      'RemainAfterExit=yes',
      ...runsScript(script, '%i'),
      `TimeoutStartSec=${timeoutFor(plans)}`,
    ],
  });

/** The name below /sys under which the rule makes a bound PF known to systemd (SYSTEMD_ALIAS). */
export const deviceAlias = (address: string): string =>
  `/sys/subsystem/sriovctl/devices/${address}`;

/** systemd-escape(1): slashes become dashes. */
const deviceUnit = (address: string): string =>
  `${deviceAlias(address).slice(1).replaceAll('/', '-')}.device`;

const untilShutdown = ['Conflicts=shutdown.target', 'Before=shutdown.target'] as const;

/**
 * A script that is not the one installed (half a write, a bad block, a well-meant edit) is not run.
 * It is read by `sh`, not executed: /etc may be mounted noexec or be labelled so.
 */
const runsScript = (script: string, ...args: readonly string[]): readonly string[] => {
  const run = ['exec /bin/sh', scriptPath, ...args].join(' ');
  const refusal = `echo "<3>${scriptPath} is not the script that was installed: nothing is done; run sriovctl setup again"; exit 1`;
  return [
    `ExecStart=/bin/sh -c '${integrityCheck(script)} && ${run}; ${refusal}'`,
    'SyslogIdentifier=sriovctl',
  ];
};

/** A shell command that fails unless the script on disk is this one; coreutils and busybox know it. */
export const integrityCheck = (script: string): string =>
  `echo "${hashOf(script)}  ${scriptPath}" | sha256sum -c >/dev/null 2>&1`;

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What the script itself may wait for at most, in seconds: 64 VFs of an i40e were seen to take 22 s. */
const timeoutFor = (plans: readonly PfBootPlan[]): number =>
  plans.reduce((sum, { vfs }) => sum + 60 + 2 * vfs, patience.run + patience.driver + 10);

/** A unit file that is ours, by its sections. */
export const unitText = (sections: Readonly<Record<string, readonly string[]>>): string => {
  const blocks = Object.entries(sections).map(([name, lines]) =>
    [`[${name}]`, ...lines].join('\n'),
  );
  return `${madeBySriovctl}\n${blocks.join('\n\n')}\n`;
};
