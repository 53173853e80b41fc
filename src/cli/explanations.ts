/** What a stable error code means, at more length than the error itself has room for. */
export interface Explanation {
  /** What has happened. */
  readonly means: string;
  /** How to go on. */
  readonly remedy: string;
}

/**
 * One entry for each code that an error of the program may carry, by code. Codes that end in an
 * errno (`HOST_EACCES`) are explained by `families`.
 */
export const explanations: Readonly<Record<string, Explanation>> = {
  BAD_ENVIRONMENT: {
    means: 'An environment variable that the program reads holds something it cannot use.',
    remedy: 'Unset it, or give it a value as the message says.',
  },
  BAD_USAGE: {
    means: 'The command line has a word that is unknown, missing or not allowed there.',
    remedy: 'The message names the word; `--help` after a command shows what it takes.',
  },
  BOOT_BY_HAND: {
    means:
      'A kernel argument is missing, and this kind of boot configuration is not written by the program.',
    remedy: 'Add the argument as the message shows, reboot, and run the same command again.',
  },
  BOOT_DROP_IN_BEATEN: {
    means: 'A file that is read later sets the same variable anew, so that ours has no effect.',
    remedy: 'Let that file append to the variable, or give it a name that sorts before ours.',
  },
  BOOT_FILE_BEATEN: {
    means:
      'A drop-in sets the variable anew behind /etc/default/grub, so that editing it has no effect.',
    remedy: 'Leave --grub-file out: a drop-in that is read last is used then.',
  },
  BOOT_FILE_OPAQUE: {
    means:
      'The boot configuration holds shell code that cannot be edited safely without running it.',
    remedy: 'Change the line that the message names by hand, or leave --grub-file out.',
  },
  BOOT_GENERATOR_FAILED: {
    means: 'The program that makes the boot menu failed; the files it reads have been put back.',
    remedy: 'Run the command of the message yourself; often /boot is full.',
  },
  BOOT_NO_ROOM: {
    means: 'The file system of the boot menu has no room for a new one beside the old.',
    remedy: 'Make room there (old kernels?), and run the command again.',
  },
  BOOT_NOT_FORESEEN: {
    means:
      'What a stage would do after a boot could not be worked out, so no boot script was made.',
    remedy: 'Use --no-persist for now, and report it.',
  },
  CONFIG_UNREADABLE: {
    means:
      'The configuration of the device plugin that was named is not there, or may not be read.',
    remedy: 'Name the file that the plugin is started with.',
  },
  DRIVER_LIMIT: {
    means: 'The driver of the PF makes fewer VFs than sriov_totalvfs promises.',
    remedy: 'Ask for as many as the message says, or raise the limit in the firmware of the card.',
  },
  DRIVER_BUILD_TIMED_OUT: {
    means: 'Building a driver from source took longer than a quarter of an hour.',
    remedy: 'Run the command of the message by hand to see what takes so long.',
  },
  DRIVER_NOT_BUILT: {
    means: 'The compiler, or DKMS, could not make modules of the source of --driver-source.',
    remedy:
      'The lines of the message tell where; most often the source is for other kernels than the running one.',
  },
  DRIVER_SOURCE_UNTOLD: {
    means:
      'A module that was built carries neither a digest of its source nor a version, so it cannot be told from the one that is loaded.',
    remedy: 'Add a MODULE_VERSION to the source.',
  },
  DRIVER_WITHOUT_SRIOV: {
    means: 'The driver that is bound to the PF cannot make VFs through sysfs.',
    remedy: 'Bind the driver of the vendor, in a version that can.',
  },
  ESWITCH_REFUSED: {
    means: 'The driver did not take the mode of the switch in the card that is wanted.',
    remedy: 'The message has the words of the driver; some cards change it only without VFs.',
  },
  EXPORT_NOT_EMPTY: {
    means: 'The folder of --simulate-out holds something already.',
    remedy: 'Name a folder that does not exist yet.',
  },
  FLOCK_MISSING: {
    means: 'The lock that keeps two runs apart needs the program flock.',
    remedy: 'Install util-linux.',
  },
  INTERNAL: {
    means: 'The program met an error that it does not know: a bug.',
    remedy: 'Report it with the stack trace that was printed.',
  },
  INTERRUPTED: {
    means: 'Ctrl-C or a signal ended the run; what it had done was taken back.',
    remedy: 'Run the same command again to go on.',
  },
  KUBE_NETWORK_POOL: {
    means: 'A network asks for a pool that this node does not have.',
    remedy: 'Name one of the pools that the message lists.',
  },
  KUBE_NODE_STARTS_NO_POD: {
    means: 'A plain pod did not start on the node before or after a change of Multus.',
    remedy: 'Repair what the message names; the change has been taken back.',
  },
  KUBE_NO_VFS: {
    means: 'No VF has a driver, so there is nothing to offer to pods.',
    remedy: 'Run the stages driver and vfs first.',
  },
  KUBE_POOL_MIXED: {
    means: 'A pool has VFs of different drivers, and a pod could get either kind.',
    remedy: 'Make a pool for each driver.',
  },
  KUBE_POOL_PF: {
    means: 'A pool of the spec names a PF that the spec does not name itself.',
    remedy: 'Name the PF under pfs as well, or correct the pool.',
  },
  KUBE_UNREACHABLE: {
    means: 'A cluster is required, and kubectl does not reach one.',
    remedy: 'Give --kubeconfig and --context, or leave --kube out.',
  },
  LOCKED: {
    means: 'Another run, or the script that makes VFs at boot, changes this host at the moment.',
    remedy: 'Wait until it has ended; the process id of a run is in the message.',
  },
  MODULE_IN_USE: {
    means: 'modprobe could not unload a module whose place another build of it is to take.',
    remedy: 'End what uses it; the message and lsmod name the modules that do.',
  },
  MODULE_NOT_LOADED: {
    means: 'modprobe could not load the module of a driver.',
    remedy:
      'The message tells why: it is missing, blacklisted, or not signed as Secure Boot wants it.',
  },
  NEEDS_FORCE: {
    means: 'Somebody uses what would be removed.',
    remedy: 'Let the users that are named go first, or add --force to go on regardless.',
  },
  'NEEDS_FORCE-CONFLICTS': {
    means: 'An object of the cluster has fields that another manager owns.',
    remedy: 'Settle with that manager; taking the fields over needs an explicit permission.',
  },
  NEEDS_RECREATE: {
    means: 'The PF has another number of VFs, and the kernel changes it only by removing them all.',
    remedy: 'Add --recreate if all VFs of that PF may go.',
  },
  NODE_NOT_IN_SPEC: {
    means: 'The spec file has entries for several nodes, and none is for this one.',
    remedy: 'Add an entry whose match fits, or say the labels of this node with --node-label.',
  },
  NOTHING_TO_CONFIRM: {
    means: 'No try waits for its confirmation.',
    remedy: 'It was confirmed already, or taken back: sriovctl list shows which.',
  },
  NOT_ANSWERED: {
    means: 'The questions of setup were left without an answer.',
    remedy: 'Run it again, or say what is wanted with --pf and --vfs.',
  },
  NOT_A_TREE: {
    means: 'The folder of --simulate is no captured host tree.',
    remedy: 'Give a folder with the sys, proc and etc of a host.',
  },
  NOT_FOR_BOOT: {
    means: 'A change has no form that a boot script could do: a bug.',
    remedy: 'Use --no-persist for now, and report it.',
  },
  NOT_ROOT: {
    means: 'Only root may write to sysfs and to the boot configuration.',
    remedy: 'Run it with sudo, or on a captured tree with --simulate.',
  },
  NOT_SAYABLE_IN_LINK: {
    means: 'A .link file of systemd cannot say all that is wanted of the PF.',
    remedy: 'Use --persist boot-unit.',
  },
  NO_BUS_NUMBERS: {
    means: 'The last VF would be on a bus that the bridge above the card does not pass on.',
    remedy:
      'Ask for fewer VFs, switch on ARI forwarding in the firmware setup, or try another slot.',
  },
  NO_INTERRUPTS: {
    means: 'The card has too few interrupt vectors left for that many VFs.',
    remedy: 'Ask for fewer VFs, or lower the queue count of the PF.',
  },
  NO_MMIO_SPACE: {
    means: 'The firmware gave the VF BARs no memory space.',
    remedy:
      'Switch on SR-IOV and Above 4G Decoding in the firmware setup; else set up with --kernel-arg pci=realloc.',
  },
  NO_PF_DRIVER: {
    means: 'No driver is bound to the PF, and only a driver makes VFs.',
    remedy: 'Run setup with the stage driver.',
  },
  NO_SRIOV: {
    means: 'The card shows no SR-IOV capability.',
    remedy:
      'Switch it on in the firmware setup or with the tool of the vendor; the message says more.',
  },
  NO_SUCH_CODE: {
    means: 'explain was asked for a code that does not exist.',
    remedy: 'sriovctl explain without a code lists all.',
  },
  NO_SUCH_SCHEMA: {
    means: 'schema was asked for a document that does not exist.',
    remedy: 'The message lists those there are.',
  },
  NO_SYSTEMD: {
    means: '--reboot goes on after the boot through a unit of systemd, which does not run here.',
    remedy: 'Leave --reboot out, reboot yourself and run the same command again.',
  },
  NO_TIMER: {
    means: 'try could not start the timer of systemd that would take the changes back.',
    remedy: 'Use setup on hosts without systemd: it takes back what fails, but waits for nobody.',
  },
  NO_VFS_OFFERED: {
    means: 'sriov_totalvfs is 0: SR-IOV is switched off in the card or the firmware setup.',
    remedy: 'Switch it on there; for mlx5 with mstconfig.',
  },
  OUT_UNWRITABLE: {
    means: 'The file for a result cannot be written, or is there already and would be lost.',
    remedy: 'Name another file.',
  },
  PF_DOWN: {
    means: 'The driver makes VFs only while the PF is up.',
    remedy: 'Set the PF up; the end of dmesg tells why it does not stay up.',
  },
  PF_ELSEWHERE: {
    means:
      'A PF of another node is not named by its PCI address, and cannot be looked up from here.',
    remedy:
      'Name it by PCI address, run the command on the node, or give a captured tree with --simulate.',
  },
  PF_GIVEN_TWICE: {
    means: 'Two names, or two matches, mean the same PF.',
    remedy: 'Name each PF once.',
  },
  PF_IS_VF: {
    means: 'What was named is a VF, which cannot have VFs itself.',
    remedy: 'Name its PF, which the message tells.',
  },
  PF_MISSING: {
    means: 'Neither a flag nor a spec file names a PF.',
    remedy: 'Write --pf NAME --vfs N, or make a spec file with sriovctl init.',
  },
  PF_NOT_FOUND: {
    means: 'This host has no PF of that name, address or kind.',
    remedy: 'sriovctl list shows those it has.',
  },
  PLAN_INVALID: {
    means: 'The file is no saved plan, or one of another version.',
    remedy: 'Make it again with sriovctl plan --out.',
  },
  PLAN_STALE: {
    means: 'The host has moved since the plan was made; what has moved is listed.',
    remedy: 'Plan and review again.',
  },
  PLAN_UNREADABLE: {
    means: 'The file of a plan is not there, or is no JSON.',
    remedy: 'Make one with sriovctl plan --out.',
  },
  RECORD_UNWRITABLE: {
    means: 'What a run is about to do cannot be recorded in /var/lib/sriovctl, so it is not done.',
    remedy: 'Make room on that file system, or mount it writable, and run the command again.',
  },
  SPEC_INVALID: {
    means: 'The spec holds values or keys that are not allowed; each is told with its place.',
    remedy: 'Mend each place as told; docs/reference.md lists every key.',
  },
  SPEC_UNREADABLE: {
    means: 'The spec file is not there, or may not be read.',
    remedy: 'sriovctl init prints one to begin with.',
  },
  SYS_READ_ONLY: {
    means: '/sys is mounted read-only, as in a container.',
    remedy: 'Run it on the host, or in a privileged container.',
  },
  TIMED_OUT: {
    means: 'What was awaited did not happen within its time.',
    remedy: 'The end of dmesg and the journal of systemd-udevd may tell why.',
  },
  TOO_MANY_VFS: {
    means: 'More VFs are wanted than the card and its driver can make.',
    remedy: 'Ask for as many as the message says.',
  },
  TREE_MANIFEST: {
    means: 'A line of the MANIFEST of a captured tree makes no sense.',
    remedy: 'Capture the tree again, or mend the line.',
  },
  TRY_PENDING: {
    means: 'What try did waits for its confirmation; another run would build on it.',
    remedy: 'Run sriovctl confirm to keep it, or sriovctl undo.',
  },
  VFS_EXIST: {
    means: 'VFs were made by somebody else meanwhile.',
    remedy: 'Find out who; --recreate removes them first.',
  },
  VF_ADDRESSES_UNKNOWN: {
    means:
      'A DRA driver is told the addresses of VFs, which a declaration of another node has not.',
    remedy: 'Run the command on the node, or render the objects from a captured tree of it.',
  },
  VFS_MISSING: {
    means: 'A PF is named without a number of VFs.',
    remedy: 'Add --vfs N behind it.',
  },
  WRITE_STILL_RUNNING: {
    means: 'The kernel did not finish a write in time; no PCI function is written to meanwhile.',
    remedy: 'See dmesg; run the command again when the write has ended.',
  },
};

/** Codes that are made with an errno at their end. */
export const families: Readonly<Record<string, Explanation>> = {
  HOST_: {
    means:
      'The host answered a read, a write or a command with this error (errno(3); EXIT is a command that failed).',
    remedy: 'The message names the file or the command; the end of dmesg may tell more.',
  },
  NUMVFS_: {
    means: 'Writing the number of VFs failed with this error, and no better cause was found.',
    remedy: 'The words of the driver at the end of dmesg are the best clue.',
  },
};
