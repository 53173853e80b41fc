import type { HostFs, HostPath, HostView } from '../../host.ts';
import { parseCmdline } from '../../sysfs/cmdline.ts';
import type { BootSystem } from '../boot-system.ts';
import { exists, isSecureBoot, isUnifiedImage, readOsRelease } from '../host-facts.ts';
import { readCmdlineSource } from './kernel-cmdline.ts';

/** A host whose boot configuration is not ours to write: a person gets the words to do it. */
interface ByHand {
  readonly id: string;
  readonly title: string;
  readonly detect: (fs: HostFs) => Promise<boolean>;
  /** What to do, with the exact text. */
  readonly snippet: (args: string) => string;
  /** A file that holds the command line and can at least be read. */
  readonly cmdline?: (fs: HostFs) => Promise<HostPath | undefined>;
}

const emitOnly = ({ id, title, detect, snippet, cmdline }: ByHand): BootSystem => ({
  id,
  title: `${title}: to be done by hand`,
  detect: ({ fs }) => detect(fs),
  read: async ({ fs }: HostView) => {
    const path = await cmdline?.(fs);
    const source = path === undefined ? undefined : await readCmdlineSource(fs, path);
    return source === undefined
      ? { sources: undefined, entries: undefined }
      : { sources: [source], entries: [{ name: source.path, words: source.words }] };
  },
  obstacle: (_host, missing) =>
    Promise.resolve(
      missing.length === 0
        ? undefined
        : {
            code: 'BOOT_BY_HAND',
            problem: `${missing.join(' ')} is not on the kernel command line, and the boot configuration of this host (${title}) is not written by sriovctl`,
            hint: snippet(missing.join(' ')),
          },
    ),
  add: () => Promise.resolve([]),
  remove: () => Promise.resolve([]),
});

const hasId = async (fs: HostFs, ...ids: string[]): Promise<boolean> =>
  ids.includes((await readOsRelease(fs)).id);

const list = (args: string, indent: string): string =>
  args
    .split(' ')
    .map((argument) => `${indent}- ${argument}`)
    .join('\n');

const raspberryFile = async (fs: HostFs): Promise<HostPath | undefined> => {
  for (const folder of ['/boot/firmware', '/boot'] as const) {
    if (!(await exists(fs, `${folder}/config.txt`))) continue;
    if (await exists(fs, `${folder}/cmdline.txt`)) return `${folder}/cmdline.txt`;
  }
  return undefined;
};

/** Before the systems that are written to: each of these may have files of theirs that do nothing. */
export const emitOnlyFirst: readonly BootSystem[] = [
  emitOnly({
    id: 'talos',
    title: 'Talos Linux',
    detect: (fs) => hasId(fs, 'talos'),
    snippet: (
      args,
    ) => `Put this into the Image Factory schematic, then run \`talosctl upgrade --image\` with its installer:
customization:
  extraKernelArgs:
${list(args, '    ')}`,
  }),
  emitOnly({
    id: 'flatcar',
    title: 'Flatcar Container Linux',
    detect: (fs) => hasId(fs, 'flatcar'),
    snippet: (args) => `On an installed host add this line to /oem/grub.cfg, then reboot:
set linux_append="$linux_append ${args}"
For a new host put this into its Butane configuration:
kernel_arguments:
  should_exist:
${list(args, '    ')}`,
  }),
  emitOnly({
    id: 'ubuntu-core',
    title: 'Ubuntu Core, or Ubuntu with a kernel snap',
    detect: async (fs) =>
      (await hasId(fs, 'ubuntu-core')) ||
      parseCmdline((await fs.readText('/proc/cmdline')) ?? '').some(
        ({ key }) => key === 'snapd_recovery_mode',
      ),
    snippet: (
      args,
    ) => `If the gadget allows it, run this with what \`snap get system system.kernel.cmdline-append\` shows put before it, then reboot:
snap set system system.kernel.cmdline-append="${args}"`,
  }),
  emitOnly({
    id: 'bootc',
    title: 'an image-based host without rpm-ostree',
    detect: (fs) => exists(fs, '/run/ostree-booted'),
    snippet: (
      args,
    ) => `Build it into the image as /usr/lib/bootc/kargs.d/50-sriovctl.toml, then run \`bootc upgrade\` and reboot:
kargs = [${args
      .split(' ')
      .map((argument) => `"${argument}"`)
      .join(', ')}]`,
  }),
  emitOnly({
    id: 'uki-secure-boot',
    title: 'a signed unified kernel image (Secure Boot)',
    detect: async (fs) => (await isUnifiedImage(fs)) && (await isSecureBoot(fs)),
    snippet: (
      args,
    ) => `With Secure Boot only signed command lines are taken. Build a signed addon beside the image, then reboot:
ukify build --cmdline='${args}' --secureboot-private-key=KEY --secureboot-certificate=CERTIFICATE --output=ESP/loader/addons/sriovctl.addon.efi`,
  }),
  emitOnly({
    id: 'uki',
    title: 'a unified kernel image',
    detect: (fs) => isUnifiedImage(fs),
    snippet: (
      args,
    ) => `Add it to the command line that the image is built with (often /etc/kernel/cmdline), build the image anew and reboot:
${args}`,
  }),
  emitOnly({
    id: 'raspberry-pi',
    title: 'Raspberry Pi firmware',
    detect: async (fs) => (await raspberryFile(fs)) !== undefined,
    snippet: (
      args,
    ) => `Add this to the end of the only line of cmdline.txt in the boot partition, then reboot:
${args}`,
    cmdline: raspberryFile,
  }),
  emitOnly({
    id: 'transactional',
    title: 'a read-only SUSE system with GRUB',
    detect: async (fs) =>
      (await hasId(fs, 'opensuse-microos', 'suse-microos', 'sle-micro', 'sl-micro')) &&
      (await exists(fs, '/etc/default/grub')) &&
      !(await exists(fs, '/etc/kernel/cmdline')),
    snippet: (
      args,
    ) => `Add it to GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub, run \`transactional-update grub.cfg\`, then reboot:
${args}`,
  }),
];

/** Behind all systems that are written to. The last one is for hosts that nothing is known of. */
export const emitOnlyLast: readonly BootSystem[] = [
  emitOnly({
    id: 'flash-kernel',
    title: 'flash-kernel',
    detect: (fs) => exists(fs, '/etc/default/flash-kernel'),
    snippet: (
      args,
    ) => `Add it to LINUX_KERNEL_CMDLINE in /etc/default/flash-kernel, run \`flash-kernel\`, then reboot:
${args}`,
  }),
  emitOnly({
    id: 'u-boot-menu',
    title: 'U-Boot with a menu',
    detect: (fs) => exists(fs, '/etc/default/u-boot'),
    snippet: (
      args,
    ) => `Add it to U_BOOT_PARAMETERS in /etc/default/u-boot, run \`u-boot-update\`, then reboot:
${args}`,
  }),
  emitOnly({
    id: 'unknown',
    title: 'an unknown boot loader',
    detect: () => Promise.resolve(true),
    snippet: (
      args,
    ) => `Add this to the kernel command line in the boot loader's configuration, then reboot:
${args}`,
  }),
];
