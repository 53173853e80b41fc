import { existsSync } from 'node:fs';

export interface Hardware {
  /** `direct`: QEMU loads kernel and initrd. `grub`: OVMF starts GRUB, which reads the guest's own grub.cfg. */
  readonly firmware: 'direct' | 'grub';
  /** Whether the machine has an Intel IOMMU at all. */
  readonly iommu: boolean;
  /** Further kernel arguments; with `grub` the guest's own configuration decides. */
  readonly append: string;
  readonly memoryMiB: number;
  /** Further QEMU arguments, for another device. */
  readonly qemuArguments: readonly string[];
}

export const defaultHardware: Hardware = {
  firmware: 'direct',
  iommu: true,
  append: '',
  memoryMiB: 1024,
  qemuArguments: [],
};

/** Where QEMU finds and leaves things. */
export interface MachineFiles {
  readonly disk: string;
  readonly diskFormat: 'raw' | 'qcow2';
  readonly kernel: string;
  readonly initrd: string;
  readonly firmwareVariables: string;
  readonly dist: string;
  readonly share: string;
  readonly consoleLog: string;
  readonly agentSocket: string;
  readonly monitorSocket: string;
  readonly shellSocket: string;
}

/** The machine's command line: two ports of one 82576 card behind a root port, come up as enp1s0f0 and enp1s0f1. */
export function qemuArguments(hardware: Hardware, files: MachineFiles): readonly string[] {
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none'],
    ...[
      '-machine',
      'q35,kernel-irqchip=split,vmport=off,sata=off,smbus=off,i8042=off',
      '-accel',
      'tcg,thread=multi',
    ],
    // Without `svm` the guest does not load a hypervisor it cannot use.
    ...['-cpu', 'max,svm=off', '-smp', '2', '-m', String(hardware.memoryMiB)],
    ...(hardware.iommu ? ['-device', 'intel-iommu,intremap=on'] : []),
    ...bootArguments(hardware, files),
    ...cardArguments,
    ...diskArguments(files),
    ...sharedFolder('dist', files.dist, '0x6', 'on'),
    ...sharedFolder('share', files.share, '0x7', 'off'),
    ...channelArguments(files),
    ...hardware.qemuArguments,
  ];
}

const codePaths = ['/usr/share/OVMF/OVMF_CODE_4M.fd', '/usr/share/OVMF/OVMF_CODE.fd'] as const;
const variablePaths = ['/usr/share/OVMF/OVMF_VARS_4M.fd', '/usr/share/OVMF/OVMF_VARS.fd'] as const;

/** The firmware's pristine variables; each machine writes to a copy. */
export const firmwareVariablesTemplate = (): string => firstExisting(variablePaths);

function bootArguments(hardware: Hardware, files: MachineFiles): readonly string[] {
  if (hardware.firmware === 'grub') {
    return [
      ...['-drive', `if=pflash,format=raw,readonly=on,file=${firstExisting(codePaths)}`],
      ...['-drive', `if=pflash,format=raw,file=${files.firmwareVariables}`],
    ];
  }
  const append = `root=LABEL=rootfs rw ${emulated} ${hardware.append}`.trim();
  return ['-kernel', files.kernel, '-initrd', files.initrd, '-append', append];
}

/**
 * On a busy host an emulated timer may look broken to the kernel, which panics then; and a one-shot timer has been
 * seen to be lost, after which its processor slept for ever: a periodic one comes again.
 */
const emulated = 'console=ttyS0 no_timer_check highres=off nohz=off';

/** Without `x-pcie-ari-nextfn-1` Linux, following the ARI next-function pointer, never finds the second port. */
const cardArguments = [
  ...['-device', 'pcie-root-port,id=rp1,bus=pcie.0,addr=0x3,chassis=1,slot=1'],
  ...[
    '-device',
    igb('0x0.0', 'n0', '52:54:00:00:01:00', ',multifunction=on,x-pcie-ari-nextfn-1=on'),
  ],
  ...['-device', igb('0x0.1', 'n1', '52:54:00:00:01:01')],
  ...['-netdev', 'user,id=n0,restrict=on', '-netdev', 'user,id=n1,restrict=on'],
] as const;

/** No option ROM: the firmware would spend seconds on trying to boot from the network. */
function igb(address: string, netdev: string, mac: string, more = ''): string {
  return `igb,bus=rp1,addr=${address},netdev=${netdev},mac=${mac},romfile=${more}`;
}

function diskArguments({ disk, diskFormat }: MachineFiles): readonly string[] {
  const drive = `id=disk,if=none,file=${disk},format=${diskFormat},cache=unsafe,discard=unmap`;
  return ['-drive', drive, '-device', 'virtio-blk-pci,drive=disk,bus=pcie.0,addr=0x4,bootindex=1'];
}

function sharedFolder(tag: string, directory: string, address: string, readonly: 'on' | 'off') {
  return [
    '-fsdev',
    `local,id=${tag},path=${directory},security_model=none,multidevs=remap,readonly=${readonly}`,
    '-device',
    `virtio-9p-pci,fsdev=${tag},mount_tag=${tag},bus=pcie.0,addr=${address}`,
  ];
}

function channelArguments(files: MachineFiles): readonly string[] {
  return [
    ...[
      '-chardev',
      `file,id=console,path=${files.consoleLog},append=on`,
      '-serial',
      'chardev:console',
    ],
    ...['-serial', `unix:${files.shellSocket},server=on,wait=off`],
    ...['-device', 'virtio-serial-pci,bus=pcie.0,addr=0x5'],
    ...['-chardev', `socket,id=agent,path=${files.agentSocket}`],
    ...['-device', 'virtserialport,chardev=agent,name=sriovctl.agent'],
    ...['-qmp', `unix:${files.monitorSocket}`],
  ];
}

function firstExisting(candidates: readonly string[]): string {
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found === undefined) throw new Error(`None of ${candidates.join(', ')} exists`);
  return found;
}
