#!/usr/bin/env node
// Writes fixtures/boot-*: hosts as far as the iommu stage looks at one, one for each way to keep a
// kernel command line and for each kind of IOMMU. Nothing in them was captured from a machine.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const fixtures = join(import.meta.dirname, '../fixtures');

/** A text makes a file, null an empty folder, { link } a link to a path of the host, { spelled } one as it stands,
 *  { mode, text } a file with a mode. */
function writeTree(name, files) {
  const top = join(fixtures, `boot-${name}`);
  rmSync(top, { recursive: true, force: true });
  const manifest = [];
  for (const [path, content] of Object.entries(files)) {
    const file = join(top, path);
    mkdirSync(dirname(file), { recursive: true });
    if (content === null) manifest.push(`dir ${path}`);
    else if (typeof content === 'string' || content instanceof Uint8Array)
      writeFileSync(file, content);
    else if (content.spelled !== undefined) symlinkSync(content.spelled, file);
    else if (content.link !== undefined) symlinkSync(relative(dirname(path), content.link), file);
    else {
      writeFileSync(file, content.text);
      manifest.push(`mode ${content.mode} ${path}`);
    }
  }
  writeFileSync(
    join(top, 'MANIFEST'),
    manifest
      .sort()
      .map((line) => `${line}\n`)
      .join(''),
  );
}

const program = { text: '', mode: '755' };

// ---- hardware -------------------------------------------------------------------------------

const pf = '/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0';

/** One igb port at 0000:01:00.0, in IOMMU group 7 where the IOMMU works. */
function card({ group }) {
  return {
    '/sys/bus/pci/devices/0000:01:00.0': { link: pf },
    '/sys/bus/pci/drivers/igb/0000:01:00.0': { link: pf },
    '/sys/class/net/enp1s0f0': { link: `${pf}/net/enp1s0f0` },
    [`${pf}/class`]: '0x020000\n',
    [`${pf}/vendor`]: '0x8086\n',
    [`${pf}/device`]: '0x10c9\n',
    [`${pf}/driver`]: { link: '/sys/bus/pci/drivers/igb' },
    [`${pf}/sriov_totalvfs`]: '7\n',
    [`${pf}/sriov_numvfs`]: '0\n',
    [`${pf}/net/enp1s0f0/address`]: '52:54:00:00:01:00\n',
    [`${pf}/net/enp1s0f0/device`]: { spelled: '../../../0000:01:00.0' },
    ...(group ? { [`${pf}/iommu_group`]: { link: '/sys/kernel/iommu_groups/7' } } : {}),
  };
}

const cpus = {
  intel: 'processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu vme vmx\n',
  amd: 'processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: fpu vme svm\n',
  arm: 'processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n',
};

/** @param unit The IOMMU that the kernel drives, if it does; @param table the one that the firmware describes. */
function hardware({ cpu = 'intel', table, unit }) {
  return {
    '/proc/cpuinfo': cpus[cpu],
    ...(table === undefined
      ? {}
      : { [`/sys/firmware/acpi/tables/${table}`]: { text: '', mode: '400' } }),
    ...(unit === undefined
      ? { '/sys/class/iommu': null, '/sys/kernel/iommu_groups': null }
      : {
          [`/sys/class/iommu/${unit}`]: { link: `/sys/devices/virtual/iommu/${unit}` },
          [`/sys/devices/virtual/iommu/${unit}/uevent`]: '',
          '/sys/kernel/iommu_groups/7/type': 'DMA-FQ\n',
          '/sys/kernel/iommu_groups/7/devices/0000:01:00.0': { link: pf },
        }),
    ...card({ group: unit !== undefined }),
  };
}

const intelOn = hardware({ table: 'DMAR', unit: 'dmar0' });
const intelOff = hardware({ table: 'DMAR' });

// ---- systems --------------------------------------------------------------------------------

const release = (lines) => ({ '/etc/os-release': lines.map((line) => `${line}\n`).join('') });
const running = (cmdline) => ({ '/proc/cmdline': `${cmdline}\n` });
const efi = (name, vendor, bytes) => ({
  [`/sys/firmware/efi/efivars/${name}-${vendor}`]: Buffer.from([6, 0, 0, 0, ...bytes]),
});
const loader = (name, text) =>
  efi(name, '4a67b082-0a4c-41cf-b6c7-440b29bb8c4f', Buffer.from(`${text}\0`, 'utf16le'));
const secureBoot = (on) => efi('SecureBoot', '8be4df61-93ca-11d2-aa0d-00e098032b8c', [on ? 1 : 0]);

const root = 'root=UUID=0c3f9f4e-5a5e-4a4b-9d8e-1f2a3b4c5d6e';

/** A menu as grub-mkconfig makes one: a simple entry, then all kernels in a submenu with recovery entries. */
function grubMenu({ os, kernels, normal, recovery, extra = '' }) {
  const entry = (indent, title, kernel, args) =>
    [
      `${indent}menuentry '${title}' --class gnu-linux {`,
      `${indent}\tinsmod ext2`,
      `${indent}\tlinux\t/boot/vmlinuz-${kernel} ${args}`,
      `${indent}\tinitrd\t/boot/initrd.img-${kernel}`,
      `${indent}}`,
    ].join('\n');
  return `# made by a generator
### BEGIN /etc/grub.d/00_header ###
set timeout=5
### END /etc/grub.d/00_header ###

### BEGIN /etc/grub.d/10_linux ###
${entry('', os, kernels[0], `${root} ro ${normal}`)}
submenu 'Advanced options for ${os}' {
${kernels
  .flatMap((kernel) => [
    entry('\t', `${os}, with Linux ${kernel}`, kernel, `${root} ro ${normal}`),
    entry(
      '\t',
      `${os}, with Linux ${kernel} (recovery mode)`,
      kernel,
      `${root} ro single ${recovery}`,
    ),
  ])
  .join('\n')}
}
### END /etc/grub.d/10_linux ###

### BEGIN /etc/grub.d/40_custom ###
menuentry 'Rescue from a USB stick' {
	linux	/live/vmlinuz boot=live
}
### END /etc/grub.d/40_custom ###
${extra}`;
}

function debian({ version, kernels, all = '', normal = 'quiet', distributor, dropIns = {}, main }) {
  return {
    ...release(['PRETTY_NAME="Debian GNU/Linux"', 'ID=debian', `VERSION_ID="${version}"`]),
    '/etc/default/grub':
      main ??
      `# After a change here run update-grub.

GRUB_DEFAULT=0
GRUB_TIMEOUT=5
GRUB_DISTRIBUTOR=${distributor}
GRUB_CMDLINE_LINUX_DEFAULT="${normal}"
GRUB_CMDLINE_LINUX="${all}"

#GRUB_TERMINAL=console
`,
    '/etc/default/grub.d/init-select.cfg': '# Sets nothing.\n',
    ...dropIns,
    '/usr/sbin/update-grub': program,
    '/usr/sbin/grub-mkconfig': program,
    '/boot/grub/grub.cfg': {
      text: grubMenu({
        os: 'Debian GNU/Linux',
        kernels,
        normal: `${all} ${normal}`,
        recovery: all,
      }),
      mode: '600',
    },
  };
}

const debian12 = (more = {}) =>
  debian({
    version: 12,
    kernels: ['6.1.0-40-amd64', '6.1.0-38-amd64'],
    distributor: '`lsb_release -i -s 2> /dev/null || echo Debian`',
    ...more,
  });
const debian13 = (more = {}) =>
  debian({
    version: 13,
    kernels: ['6.12.48+deb13-amd64'],
    distributor: '`( . /etc/os-release && echo ${NAME} )`',
    ...more,
  });

writeTree('debian-12', {
  ...debian12(),
  ...intelOn,
  ...running(`BOOT_IMAGE=/boot/vmlinuz-6.1.0-40-amd64 ${root} ro quiet`),
});

writeTree('debian-13', {
  ...debian13(),
  ...intelOff,
  ...running(`BOOT_IMAGE=/boot/vmlinuz-6.12.48+deb13-amd64 ${root} ro quiet intel_iommu=off`),
});

/** The provider's drop-in sets the normal entries' arguments anew. */
function ubuntuCloud({ version, kernel, arch = 'amd64' }) {
  const normal = 'console=tty1 console=ttyS0';
  return {
    ...release(['PRETTY_NAME="Ubuntu"', 'ID=ubuntu', 'ID_LIKE=debian', `VERSION_ID="${version}"`]),
    '/etc/default/grub': `GRUB_DEFAULT=0
GRUB_TIMEOUT_STYLE=hidden
GRUB_TIMEOUT=0
GRUB_DISTRIBUTOR=\`lsb_release -i -s 2> /dev/null || echo Debian\`
GRUB_CMDLINE_LINUX_DEFAULT="quiet splash"
GRUB_CMDLINE_LINUX=""
`,
    '/etc/default/grub.d/40-force-partuuid.cfg': `# The root file system of this image
GRUB_FORCE_PARTUUID=2b0e1a8c-5a5e-4a4b-9d8e-1f2a3b4c5d6e
`,
    '/etc/default/grub.d/50-cloudimg-settings.cfg': `# Settings of the cloud image
GRUB_RECORDFAIL_TIMEOUT=0
GRUB_TIMEOUT=0
GRUB_CMDLINE_LINUX_DEFAULT="${normal}"
GRUB_TERMINAL=console
`,
    '/usr/sbin/update-grub': program,
    '/boot/grub/grub.cfg': {
      text: grubMenu({ os: 'Ubuntu', kernels: [kernel], normal: ` ${normal}`, recovery: '' }),
      mode: arch === 'amd64' ? '600' : '644',
    },
    ...running(`BOOT_IMAGE=/boot/vmlinuz-${kernel} ${root} ro ${normal}`),
  };
}

writeTree('ubuntu-22.04', {
  ...ubuntuCloud({ version: '22.04', kernel: '5.15.0-160-generic' }),
  ...intelOff,
});
writeTree('ubuntu-24.04', {
  ...ubuntuCloud({ version: '24.04', kernel: '6.8.0-87-generic' }),
  ...intelOn,
});
writeTree('arm64-smmu', {
  ...ubuntuCloud({ version: '24.04', kernel: '6.8.0-87-generic', arch: 'arm64' }),
  ...hardware({ cpu: 'arm', table: 'IORT', unit: 'smmu3.0x000000002b400000' }),
});

const machineId = '4ce7a933859f4a76a5111fba2d010ca3';
const loaderEntry = (fields) =>
  Object.entries(fields)
    .map(([key, value]) => `${key} ${value}\n`)
    .join('');

function redHat({ version, releases, options }) {
  const entries = Object.fromEntries(
    [...releases, `0-rescue-${machineId}`].map((kernel) => [
      `/boot/loader/entries/${machineId}-${kernel.replace(`-${machineId}`, '')}.conf`,
      loaderEntry({
        title: `Red Hat Enterprise Linux (${kernel}) ${version}`,
        version: kernel,
        linux: `/vmlinuz-${kernel}`,
        initrd: `/initramfs-${kernel}.img`,
        options,
        grub_class: 'rhel',
      }),
    ]),
  );
  return {
    ...release([
      'NAME="Red Hat Enterprise Linux"',
      'ID="rhel"',
      'ID_LIKE="fedora"',
      `VERSION_ID="${version}"`,
    ]),
    '/etc/machine-id': `${machineId}\n`,
    '/etc/default/grub': `GRUB_TIMEOUT=5
GRUB_DISTRIBUTOR="$(sed 's, release .*$,,g' /etc/system-release)"
GRUB_DEFAULT=saved
GRUB_CMDLINE_LINUX="crashkernel=auto rhgb quiet"
GRUB_ENABLE_BLSCFG=true
`,
    '/boot/grub2/grub.cfg':
      '### BEGIN /etc/grub.d/10_linux ###\nblscfg\n### END /etc/grub.d/10_linux ###\n',
    '/usr/sbin/grubby': program,
    '/usr/sbin/grub2-mkconfig': program,
    '/usr/bin/grub2-editenv': program,
    '/usr/bin/kernel-install': program,
    ...entries,
  };
}

const rhelRoot = 'root=/dev/mapper/rhel-root ro rd.lvm.lv=rhel/root rhgb quiet';
const grubenv = (variables) =>
  `# GRUB Environment Block\n${Object.entries(variables)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')}`.padEnd(1024, '#');

writeTree('rhel-8', {
  ...redHat({
    version: '8.10',
    releases: ['4.18.0-553.16.1.el8_10.x86_64', '4.18.0-553.el8_10.x86_64'],
    options: '$kernelopts $tuned_params',
  }),
  '/boot/grub2/grubenv': grubenv({
    saved_entry: `${machineId}-4.18.0-553.16.1.el8_10.x86_64`,
    kernelopts: `${rhelRoot} `,
    boot_success: '0',
  }),
  ...intelOff,
  ...running(`BOOT_IMAGE=(hd0,gpt2)/vmlinuz-4.18.0-553.16.1.el8_10.x86_64 ${rhelRoot}`),
});

writeTree('rhel-9', {
  ...redHat({
    version: '9.6',
    releases: ['5.14.0-570.12.1.el9_6.x86_64', '5.14.0-503.el9.x86_64'],
    options: `${rhelRoot} $tuned_params`,
  }),
  '/etc/kernel/cmdline': `${rhelRoot}\n`,
  '/boot/grub2/grubenv': grubenv({ saved_entry: `${machineId}-5.14.0-570.12.1.el9_6.x86_64` }),
  ...intelOff,
  ...running(`BOOT_IMAGE=(hd0,gpt2)/vmlinuz-5.14.0-570.12.1.el9_6.x86_64 ${rhelRoot}`),
});

writeTree('sles-15', {
  ...release(['NAME="SLES"', 'ID="sles"', 'ID_LIKE="suse"', 'VERSION_ID="15.7"']),
  '/etc/default/grub': `# Kept by the distribution's tools
GRUB_DISTRIBUTOR=
GRUB_DEFAULT=saved
GRUB_TIMEOUT=8
GRUB_CMDLINE_LINUX_DEFAULT="splash=silent mitigations=auto quiet security=apparmor"   # normal entries
GRUB_CMDLINE_LINUX=""
GRUB_TERMINAL="gfxterm"
`,
  '/usr/sbin/grub2-mkconfig': program,
  '/boot/grub2/grub.cfg': {
    text: grubMenu({
      os: 'SLES 15-SP7',
      kernels: ['6.4.0-150700.53.3-default'],
      normal: ' splash=silent mitigations=auto quiet security=apparmor',
      recovery: '',
    }),
    mode: '600',
  },
  ...intelOff,
  ...running(
    `BOOT_IMAGE=/boot/vmlinuz-6.4.0-150700.53.3-default ${root} splash=silent mitigations=auto quiet security=apparmor`,
  ),
});

const btrfs = `${root} rootflags=subvol=@/.snapshots/4/snapshot`;
writeTree('opensuse-bls', {
  ...release(['NAME="openSUSE Tumbleweed"', 'ID="opensuse-tumbleweed"', 'ID_LIKE="opensuse suse"']),
  '/etc/machine-id': `${machineId}\n`,
  '/etc/kernel/cmdline': 'splash=silent quiet security=selinux\n',
  '/usr/bin/sdbootutil': program,
  '/usr/lib/modules/6.17.5-1-default/vmlinuz': '',
  '/boot/efi/loader/entries/opensuse-6.17.5-1-default-4.conf': loaderEntry({
    title: 'openSUSE Tumbleweed',
    version: '6.17.5-1-default',
    'machine-id': machineId,
    options: `${btrfs} splash=silent quiet security=selinux systemd.machine_id=${machineId}`,
    linux: '/opensuse/6.17.5-1-default/linux',
  }),
  ...loader('LoaderInfo', 'systemd-boot 257.9'),
  ...intelOff,
  ...running(`initrd=\\opensuse\\initrd ${btrfs} splash=silent quiet security=selinux`),
});

writeTree('fedora-systemd-boot', {
  ...release(['NAME="Fedora Linux"', 'ID=fedora', 'VERSION_ID=43']),
  '/etc/machine-id': `${machineId}\n`,
  '/etc/kernel/cmdline': `${root} ro rhgb quiet\n`,
  '/usr/bin/kernel-install': program,
  '/usr/lib64/systemd/libsystemd-shared-258.so': '',
  '/usr/lib/modules/6.17.7-300.fc43.x86_64/vmlinuz': '',
  '/usr/lib/modules/6.17.5-300.fc43.x86_64/vmlinuz': '',
  ...Object.fromEntries(
    ['6.17.7-300.fc43.x86_64', '6.17.5-300.fc43.x86_64'].map((kernel) => [
      `/boot/efi/loader/entries/${machineId}-${kernel}.conf`,
      loaderEntry({
        title: 'Fedora Linux 43',
        version: kernel,
        'machine-id': machineId,
        options: `${root} ro rhgb quiet systemd.machine_id=${machineId}`,
        linux: `/${machineId}/${kernel}/linux`,
      }),
    ]),
  ),
  '/boot/efi/loader/entries/other-system.conf': loaderEntry({
    title: 'Another system on this disk',
    version: '6.12.1',
    'machine-id': '0123456789abcdef0123456789abcdef',
    options: 'root=LABEL=other',
    linux: '/other/linux',
  }),
  ...loader('LoaderInfo', 'systemd-boot 258-1.fc43'),
  ...secureBoot(false),
  ...intelOff,
  ...running(`initrd=\\${machineId}\\initrd ${root} ro rhgb quiet systemd.machine_id=${machineId}`),
});

const ostree = 'ostree=/ostree/boot.1/fedora/9c1a/0';
writeTree('silverblue', {
  ...release(['NAME="Fedora Linux"', 'ID=fedora', 'VARIANT_ID=silverblue', 'VERSION_ID=43']),
  '/run/ostree-booted': '',
  '/usr/bin/rpm-ostree': program,
  '/usr/sbin/grubby': program,
  '/boot/grub2/grub.cfg': 'blscfg\n',
  '/boot/loader/entries/ostree-1.conf': loaderEntry({
    title: 'Fedora Linux 43.20251101.0 (ostree:1)',
    version: '1',
    options: `rhgb quiet ${root} rw ostree=/ostree/boot.1/fedora/9c1a/1`,
    linux: '/ostree/fedora-9c1a/vmlinuz-6.17.5-300.fc43.x86_64',
  }),
  '/boot/loader/entries/ostree-2.conf': loaderEntry({
    title: 'Fedora Linux 43.20251110.0 (ostree:0)',
    version: '2',
    options: `rhgb quiet ${root} rw ${ostree}`,
    linux: '/ostree/fedora-9c1a/vmlinuz-6.17.7-300.fc43.x86_64',
  }),
  ...intelOff,
  ...running(`BOOT_IMAGE=(hd0,gpt2)/ostree/fedora-9c1a/vmlinuz rhgb quiet ${root} rw ${ostree}`),
});

writeTree('proxmox', {
  ...debian12(),
  '/etc/kernel/proxmox-boot-uuids': '5C3E-1A2B\n',
  '/etc/kernel/cmdline': 'root=ZFS=rpool/ROOT/pve-1 boot=zfs\n',
  '/usr/sbin/proxmox-boot-tool': program,
  ...loader('LoaderInfo', 'systemd-boot 252.39-1~deb12u1'),
  ...intelOff,
  ...running(
    'initrd=\\EFI\\proxmox\\6.8.12-15-pve\\initrd.img-6.8.12-15-pve root=ZFS=rpool/ROOT/pve-1 boot=zfs',
  ),
});

writeTree('talos', {
  ...release(['NAME="Talos"', 'ID=talos', 'VERSION_ID=v1.11.5']),
  ...loader('StubInfo', 'systemd-stub 257.7'),
  ...intelOff,
  ...running('talos.platform=metal console=tty0 init_on_alloc=1 slab_nomerge pti=on'),
});

writeTree('flatcar', {
  ...release([
    'NAME="Flatcar Container Linux by Kinvolk"',
    'ID=flatcar',
    'ID_LIKE=coreos',
    'VERSION_ID=4230.2.4',
  ]),
  ...intelOff,
  ...running(
    'BOOT_IMAGE=/flatcar/vmlinuz-a mount.usr=/dev/mapper/usr flatcar.first_boot=detected root=LABEL=ROOT',
  ),
});

writeTree('ubuntu-core', {
  ...release(['NAME="Ubuntu Core"', 'ID=ubuntu-core', 'VERSION_ID="24"']),
  ...intelOff,
  ...running('snapd_recovery_mode=run console=ttyS0,115200n8 console=tty1 panic=-1'),
});

const piCmdline =
  'console=serial0,115200 console=tty1 root=PARTUUID=9c1a2b3c-02 rootfstype=ext4 fsck.repair=yes rootwait';
writeTree('raspberry-pi', {
  ...release(['PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"', 'ID=debian', 'VERSION_ID="12"']),
  '/boot/firmware/config.txt': 'arm_64bit=1\n',
  '/boot/firmware/cmdline.txt': `${piCmdline}\n`,
  ...hardware({ cpu: 'arm' }),
  ...running(`coherent_pool=1M 8250.nr_uarts=0 ${piCmdline}`),
});

writeTree('uki-secure-boot', {
  ...release(['NAME="Fedora Linux"', 'ID=fedora', 'VERSION_ID=43']),
  '/etc/kernel/cmdline': `${root} ro quiet\n`,
  '/usr/bin/kernel-install': program,
  ...loader('LoaderInfo', 'systemd-boot 258-1.fc43'),
  ...loader('StubInfo', 'systemd-stub 258-1.fc43'),
  ...secureBoot(true),
  ...intelOff,
  ...running(`${root} ro quiet`),
});

writeTree('amd', {
  ...debian13(),
  ...hardware({ cpu: 'amd', table: 'IVRS', unit: 'ivhd0' }),
  ...running(`BOOT_IMAGE=/boot/vmlinuz-6.12.48+deb13-amd64 ${root} ro quiet`),
});

writeTree('firmware-off', {
  ...debian12({ all: 'intel_iommu=on' }),
  ...hardware({}),
  ...running(`BOOT_IMAGE=/boot/vmlinuz-6.1.0-40-amd64 ${root} ro intel_iommu=on quiet`),
});

writeTree('conflict', {
  ...debian12({
    all: 'intel_iommu=off',
    dropIns: {
      '/etc/default/grub.d/60-site.cfg':
        '# Site policy\nGRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX pci=nomsi"\n',
    },
  }),
  ...intelOff,
  ...running(`BOOT_IMAGE=/boot/vmlinuz-6.1.0-40-amd64 ${root} ro intel_iommu=off pci=nomsi quiet`),
});

writeTree('opaque', {
  ...debian12({
    main: `GRUB_DEFAULT=0
GRUB_TIMEOUT=5
GRUB_CMDLINE_LINUX_DEFAULT="quiet"
if [ -e /etc/site/serial ]; then
  GRUB_CMDLINE_LINUX="console=$(cat /etc/site/serial)"
fi
`,
  }),
  ...intelOff,
  ...running(`BOOT_IMAGE=/boot/vmlinuz-6.1.0-40-amd64 ${root} ro quiet`),
});

writeTree('unknown', {
  ...release(['NAME="Alpine Linux"', 'ID=alpine', 'VERSION_ID=3.22.2']),
  ...intelOff,
  ...running('root=/dev/vda2 modules=sd-mod,ext4 quiet'),
});
