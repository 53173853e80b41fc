// Makes fixtures/i350-t2, the demo host: a desktop board with a two-port Intel I350 and an onboard
// Realtek port. Nothing of it was captured; the facts are those of the cards and of the kernel's
// sysfs (Documentation/ABI/testing/sysfs-bus-pci). The same input always makes the same tree.
import { join } from 'node:path';
import { hostTree } from './host-tree.mjs';

const release = '6.1.0-28-amd64';
const { file, link, folder, driver, pciFunction, netdev, finish } = hostTree(
  join(import.meta.dirname, '..', 'fixtures', 'i350-t2'),
);

// -- PCI ---------------------------------------------------------------------------------------

const root = '/sys/devices/pci0000:00';
driver('pcieport');
driver('igb', 'igb');
driver('r8169', 'r8169');
file('/sys/module/igb/parameters/max_vfs', '0\n', 0o444);

const board = { subVendor: 0x1849, revision: 0x07 };
pciFunction(root, '0000:00:00.0', {
  ...board,
  vendor: 0x8086,
  device: 0x3ec2,
  subDevice: 0x3ec2,
  class: 0x060000,
});

const window = (start, end, flags) => [start, end, flags];
const slot = pciFunction(root, '0000:00:01.0', {
  ...board,
  vendor: 0x8086,
  device: 0x1901,
  subDevice: 0x1901,
  class: 0x060400,
  irq: 122,
  driver: 'pcieport',
  bridge: { secondary: 1, subordinate: 2 },
  resource: Object.assign([], {
    13: window(0x4000n, 0x4fffn, 0x100n),
    14: window(0xdf000000n, 0xdf3fffffn, 0x200n),
    15: window(0xdf400000n, 0xdf5fffffn, 0x102201n),
  }),
});

/** VF BAR 0 and 3 of 16 KiB a VF, eight of them, whatever the driver offers. */
const i350 = (port) => {
  const bar = 0xdf000000n + BigInt(port) * 0x100000n;
  const vf = 0xdf400000n + BigInt(port) * 0x40000n;
  return {
    vendor: 0x8086,
    device: 0x1521,
    subVendor: 0x8086,
    subDevice: 0x5002,
    class: 0x020000,
    revision: 0x01,
    multifunction: true,
    irq: 16 + port,
    dmaBits: 64,
    driver: 'igb',
    resource: Object.assign([], {
      0: window(bar, bar + 0xfffffn, 0x40200n),
      2: window(0x4000n + BigInt(port) * 0x20n, 0x401fn + BigInt(port) * 0x20n, 0x40101n),
      3: window(
        0xdf200000n + BigInt(port) * 0x4000n,
        0xdf203fffn + BigInt(port) * 0x4000n,
        0x40200n,
      ),
      7: window(vf, vf + 0x1ffffn, 0x14220cn),
      10: window(vf + 0x20000n, vf + 0x3ffffn, 0x14220cn),
    }),
    readOnly: {
      sriov_totalvfs: 7,
      sriov_offset: 384,
      sriov_stride: 4,
      sriov_vf_device: '1520',
      sriov_vf_total_msix: 0,
      max_link_speed: '5.0 GT/s PCIe',
      max_link_width: 4,
      current_link_speed: '5.0 GT/s PCIe',
      current_link_width: 4,
    },
    writable: { sriov_numvfs: 0, sriov_drivers_autoprobe: 1, reset_method: 'flr pm bus' },
    express: true,
    // The SR-IOV capability (PCIe 9.3.3): InitialVFs and TotalVFs 8; the port depends on no other;
    // offset, stride, VF device id; page sizes; VF BAR 0 and 3, both of 64 bits.
    extended: [
      {
        at: 0x100,
        words: [
          ...[(1 << 16) | 0x0010, 0, 0, (8 << 16) | 8, port << 16, (4 << 16) | 384, 0x1520 << 16],
          ...[0x553, 1],
          ...[Number(vf) | 0xc, 0, 0, (Number(vf) + 0x20000) | 0xc, 0, 0, 0],
        ],
      },
    ],
  };
};
const ports = [
  pciFunction(slot, '0000:01:00.0', i350(0)),
  pciFunction(slot, '0000:01:00.1', i350(1)),
];
for (const base of ports) file(`${base}/reset`, '', 0o200);

const onboardSlot = pciFunction(root, '0000:00:1c.0', {
  ...board,
  vendor: 0x8086,
  device: 0xa33c,
  subDevice: 0xa33c,
  class: 0x060400,
  irq: 123,
  driver: 'pcieport',
  bridge: { secondary: 5, subordinate: 5 },
  resource: Object.assign([], {
    13: window(0x3000n, 0x3fffn, 0x100n),
    14: window(0xdf600000n, 0xdf6fffffn, 0x200n),
  }),
});
pciFunction(root, '0000:00:1f.0', {
  ...board,
  vendor: 0x8086,
  device: 0xa305,
  subDevice: 0xa305,
  class: 0x060100,
});
const realtek = pciFunction(onboardSlot, '0000:05:00.0', {
  vendor: 0x10ec,
  device: 0x8168,
  subVendor: 0x1849,
  subDevice: 0x8168,
  class: 0x020000,
  revision: 0x15,
  irq: 19,
  dmaBits: 64,
  driver: 'r8169',
  resource: Object.assign([], {
    0: window(0x3000n, 0x30ffn, 0x40101n),
    2: window(0xdf604000n, 0xdf604fffn, 0x140204n),
    4: window(0xdf600000n, 0xdf603fffn, 0x140204n),
  }),
});
file('/sys/bus/pci/drivers_probe', '', 0o200);
file('/sys/bus/pci/drivers_autoprobe', '1\n');
file('/sys/bus/pci/rescan', '', 0o200);

// -- Netdevs -----------------------------------------------------------------------------------

const up = { operstate: 'up', flags: '0x1003', carrier: true, pci: true };
netdev('/sys/devices/virtual', 'lo', {
  mac: '00:00:00:00:00:00',
  broadcast: '00:00:00:00:00:00',
  ifindex: 1,
  operstate: 'unknown',
  flags: '0x9',
  carrier: true,
  mtu: 65536,
  type: 772,
  nameType: 2,
});
netdev(ports[0], 'enp1s0f0', { ...up, mac: 'a0:36:9f:8c:1d:44', ifindex: 2 });
netdev(ports[1], 'enp1s0f1', {
  ...up,
  mac: 'a0:36:9f:8c:1d:45',
  ifindex: 3,
  operstate: 'down',
  carrier: false,
});
netdev(realtek, 'enp5s0', { ...up, mac: '70:85:c2:5b:e0:1f', ifindex: 4 });

// -- /proc -------------------------------------------------------------------------------------

const boot = `BOOT_IMAGE=/boot/vmlinuz-${release} root=UUID=0f4d9b3e-6c1a-4b7e-9d52-3a8f61c07e25 ro quiet intel_iommu=on iommu=pt`;
file('/proc/cmdline', `${boot}\n`, 0o444);
file(
  '/proc/modules',
  [
    'igb 286720 0',
    'i2c_algo_bit 16384 1 igb,',
    'dca 16384 1 igb,',
    'r8169 110592 0',
    'realtek 40960 1',
  ]
    .map((line) => `${line}${line.endsWith(',') ? '' : ' -'} Live 0x0000000000000000\n`)
    .join(''),
  0o444,
);
file('/proc/sys/kernel/osrelease', `${release}\n`, 0o444);
file('/proc/sys/kernel/random/boot_id', '5b1d7c9a-2f64-4a0e-8c3b-9e7f10d6a4c8\n', 0o444);
file(
  '/proc/version',
  `Linux version ${release} (debian-kernel@lists.debian.org) #1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1\n`,
  0o444,
);
file(
  '/proc/interrupts',
  [
    '            CPU0       CPU1       ',
    '   8:          0          0  IR-IO-APIC    8-edge      rtc0',
    ' 124:       1021          0  IR-PCI-MSIX-0000:01:00.0    0-edge      enp1s0f0',
    ' 125:      48211        377  IR-PCI-MSIX-0000:01:00.0    1-edge      enp1s0f0-TxRx-0',
    ' 126:          3          0  IR-PCI-MSIX-0000:01:00.1    0-edge      enp1s0f1',
    ' 127:     103377      10442  IR-PCI-MSIX-0000:05:00.0    0-edge      enp5s0',
    '',
  ].join('\n'),
  0o444,
);
file(
  '/proc/net/route',
  [
    'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
    'enp5s0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0',
    'enp5s0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
    '',
  ].join('\n'),
  0o444,
);

// -- Modules -----------------------------------------------------------------------------------

const modules = `/lib/modules/${release}`;
const alias = (vendor, device, module) =>
  `alias pci:v0000${vendor}d0000${device}sv*sd*bc*sc*i* ${module}`;
file(
  `${modules}/modules.alias`,
  [
    '# Aliases extracted from modules themselves.',
    ...['10C9', '10E6', '10E7', '10E8', '1521', '1522', '1523', '1524'].map((id) =>
      alias('8086', id, 'igb'),
    ),
    ...['10CA', '1520'].map((id) => alias('8086', id, 'igbvf')),
    ...['8161', '8168'].map((id) => alias('10EC', id, 'r8169')),
    'alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci',
    '',
  ].join('\n'),
);
const ethernet = 'kernel/drivers/net/ethernet';
const dependencies = {
  [`${ethernet}/intel/igb/igb.ko`]: [
    'kernel/drivers/i2c/algos/i2c-algo-bit.ko',
    'kernel/drivers/dca/dca.ko',
  ],
  [`${ethernet}/intel/igbvf/igbvf.ko`]: [],
  'kernel/drivers/i2c/algos/i2c-algo-bit.ko': [],
  'kernel/drivers/dca/dca.ko': [],
  [`${ethernet}/realtek/r8169.ko`]: ['kernel/drivers/net/phy/realtek.ko'],
  'kernel/drivers/net/phy/realtek.ko': [],
  'kernel/drivers/vfio/vfio.ko': [],
  'kernel/drivers/vfio/vfio_iommu_type1.ko': ['kernel/drivers/vfio/vfio.ko'],
  'kernel/drivers/vfio/vfio_virqfd.ko': [],
  'kernel/virt/lib/irqbypass.ko': [],
  'kernel/drivers/vfio/pci/vfio-pci-core.ko': [
    'kernel/drivers/vfio/vfio_virqfd.ko',
    'kernel/drivers/vfio/vfio.ko',
    'kernel/virt/lib/irqbypass.ko',
  ],
  'kernel/drivers/vfio/pci/vfio-pci.ko': [
    'kernel/drivers/vfio/pci/vfio-pci-core.ko',
    'kernel/drivers/vfio/vfio_virqfd.ko',
    'kernel/drivers/vfio/vfio.ko',
    'kernel/virt/lib/irqbypass.ko',
  ],
};
file(
  `${modules}/modules.dep`,
  Object.entries(dependencies)
    .map(([name, needed]) => `${name}:${needed.map((each) => ` ${each}`).join('')}\n`)
    .join(''),
);
file(`${modules}/modules.builtin`, 'kernel/drivers/pci/pcie/pcieportdrv.ko\n');

// -- Files -------------------------------------------------------------------------------------

file(
  '/etc/os-release',
  [
    'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"',
    'NAME="Debian GNU/Linux"',
    'VERSION_ID="12"',
    'VERSION="12 (bookworm)"',
    'VERSION_CODENAME=bookworm',
    'ID=debian',
    '',
  ].join('\n'),
);
file('/etc/hostname', 'worker-1\n');
file(
  '/etc/default/grub',
  [
    '# Run update-grub after a change of this file.',
    'GRUB_DEFAULT=0',
    'GRUB_TIMEOUT=5',
    'GRUB_DISTRIBUTOR=`lsb_release -i -s 2> /dev/null || echo Debian`',
    'GRUB_CMDLINE_LINUX_DEFAULT="quiet intel_iommu=on iommu=pt"',
    'GRUB_CMDLINE_LINUX=""',
    '',
  ].join('\n'),
);
file(
  '/boot/grub/grub.cfg',
  [
    'set default="0"',
    'set timeout=5',
    "menuentry 'Debian GNU/Linux' --class debian --class gnu-linux --class gnu --class os {",
    '\tinsmod ext2',
    `\tlinux\t${boot.replace('BOOT_IMAGE=', '')}`,
    `\tinitrd\t/boot/initrd.img-${release}`,
    '}',
    '',
  ].join('\n'),
);
file(
  '/usr/share/misc/pci.ids',
  [
    '10ec  Realtek Semiconductor Co., Ltd.',
    '\t8168  RTL8111/8168/8211/8411 PCI Express Gigabit Ethernet Controller',
    '1849  ASRock Incorporation',
    '8086  Intel Corporation',
    '\t1520  I350 Ethernet Controller Virtual Function',
    '\t1521  I350 Gigabit Network Connection',
    '\t\t8086 5002  Ethernet Server Adapter I350-T2',
    '\t1901  6th-10th Gen Core Processor PCIe Controller (x16)',
    '\t3ec2  8th Gen Core Processor Host Bridge/DRAM Registers',
    '\ta305  Z390 Chipset LPC/eSPI Controller',
    '\ta33c  Cannon Lake PCH PCI Express Root Port #5',
    'C 02  Network controller',
    '\t00  Ethernet controller',
    'C 06  Bridge',
    '\t00  Host bridge',
    '\t01  ISA bridge',
    '\t04  PCI bridge',
    '\t\t00  Normal decode',
    '',
  ].join('\n'),
);

// -- Kubernetes --------------------------------------------------------------------------------

const primaryCni = { name: 'cbr0', cniVersion: '0.3.1' };
const delegate = { hairpinMode: true, isDefaultGateway: true };
file(
  '/etc/cni/net.d/10-flannel.conflist',
  `${JSON.stringify(
    {
      ...primaryCni,
      plugins: [
        { type: 'flannel', delegate },
        { type: 'portmap', capabilities: { portMappings: true } },
      ],
    },
    undefined,
    2,
  )}\n`,
);
for (const plugin of [
  'bridge',
  'flannel',
  'host-local',
  'loopback',
  'portmap',
  'static',
  'tuning',
]) {
  file(`/opt/cni/bin/${plugin}`, '', 0o755);
}

/** What the demo's cluster has before anything of SR-IOV is in it: kubeadm's, with flannel. */
const node = (name, address, { labels = {}, ...spec } = {}) => {
  const amounts = {
    cpu: '8',
    'ephemeral-storage': '101430960Ki',
    memory: '32724944Ki',
    pods: '110',
  };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      creationTimestamp: '2026-03-02T08:14:05Z',
      labels: {
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        ...labels,
      },
    },
    spec,
    status: {
      addresses: [
        { type: 'InternalIP', address },
        { type: 'Hostname', address: name },
      ],
      allocatable: amounts,
      capacity: amounts,
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }],
      nodeInfo: { kernelVersion: release, kubeletVersion: 'v1.34.2', operatingSystem: 'linux' },
    },
  };
};
const namespace = (name) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
  status: { phase: 'Active' },
});
const flannel = { name: 'kube-flannel-ds', namespace: 'kube-flannel', labels: { app: 'flannel' } };
const flannelContainers = [{ name: 'kube-flannel', image: 'ghcr.io/flannel-io/flannel:v0.26.1' }];
const flannelPod = (suffix, nodeName) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    ...flannel,
    name: `${flannel.name}-${suffix}`,
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: flannel.name }],
  },
  spec: { nodeName, hostNetwork: true, containers: flannelContainers },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
});
const cluster = [
  namespace('default'),
  namespace('kube-flannel'),
  namespace('kube-system'),
  node('control-1', '192.0.2.10', {
    labels: { 'node-role.kubernetes.io/control-plane': '' },
    taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }],
  }),
  node('worker-1', '192.0.2.11'),
  {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: flannel,
    spec: {
      selector: { matchLabels: flannel.labels },
      template: {
        metadata: { labels: flannel.labels },
        spec: { hostNetwork: true, containers: flannelContainers },
      },
    },
  },
  flannelPod('7d9qk', 'control-1'),
  flannelPod('x4mzt', 'worker-1'),
];
const recorded = { apiVersion: 'v1', kind: 'List', items: cluster };
file('/cluster/objects.json', `${JSON.stringify(recorded, undefined, 2)}\n`);

for (const empty of [
  '/etc/modprobe.d',
  '/etc/modules-load.d',
  '/etc/systemd/system',
  '/etc/udev/rules.d',
  '/run/systemd/system',
  '/var/lib/kubelet/device-plugins',
]) {
  folder(empty);
}

finish();
