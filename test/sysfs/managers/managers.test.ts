import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { HostPath } from '../../../src/host.ts';
import { describeManager, otherManagersOf } from '../../../src/sysfs/managers/managers.ts';
import { Overlay } from '../../../src/sysfs/overlay.ts';
import { readPf } from '../../../src/sysfs/pci-device.ts';
import { treeFs } from '../../../src/sysfs/tree-fs.ts';

const tree = join(import.meta.dirname, '../../../fixtures/82576-qemu');
const first = '0000:01:00.0';
const second = '0000:01:00.1';

/** The managers of both ports of a card, igb at 52:54:00:00:01:00 and …:01, enp1s0f0 and enp1s0f1. */
const managersWith = async (
  files: Readonly<Record<HostPath, string>>,
): Promise<Readonly<Record<string, readonly string[]>>> => {
  const fs = new Overlay(treeFs(tree));
  for (const [path, text] of Object.entries(files)) await fs.plant(path as HostPath, text);
  const pfs = [await readPf(fs, first), await readPf(fs, second)].filter((pf) => pf !== undefined);
  const all = await otherManagersOf(fs, pfs);
  return Object.fromEntries(
    [...all].map(([{ netdev }, found]) => [netdev ?? '', found.map(describeManager)]),
  );
};

test('a host without any of them has none', async () => {
  expect(await managersWith({})).toEqual({});
});

describe('netplan', () => {
  test('by the name of the PF, by its MAC behind `match`, and by VFs that link to it', async () => {
    const text = `network:
  version: 2
  ethernets:
    enp1s0f0:
      dhcp4: false
      virtual-function-count: 4
      embedded-switch-mode: switchdev
    port:
      match: { macaddress: "52:54:00:00:01:01" }
      set-name: enp1s0f1
    enp1s0f1v0:
      link: port
`;
    expect(await managersWith({ '/etc/netplan/50-net.yaml': text })).toEqual({
      enp1s0f0: [
        'netplan sets 4 VFs at each boot and `netplan apply` (/etc/netplan/50-net.yaml:6)',
        'netplan sets the eswitch mode switchdev (/etc/netplan/50-net.yaml:7)',
      ],
      enp1s0f1: [
        'netplan makes enp1s0f1v0 a VF of port at each boot and `netplan apply` (/etc/netplan/50-net.yaml:12)',
      ],
    });
  });

  test('not by an entry for another card, nor by a file that another one hides', async () => {
    const count = (id: string): string =>
      `network: { ethernets: { ${id}: { virtual-function-count: 2 } } }\n`;
    expect(
      await managersWith({
        '/etc/netplan/a.yaml': count('eno1'),
        '/run/netplan/a.yaml': count('enp1s0f0'),
        '/etc/netplan/broken.yaml': 'network: [',
        '/etc/netplan/odd.yaml': '- 1\n',
      }),
    ).toEqual({});
  });
});

describe('NetworkManager', () => {
  test('by a profile with a sriov setting', async () => {
    const profile = (match: string): string =>
      `[connection]\nid=x\n${match}\n[sriov]\nautoprobe-drivers=1\ntotal-vfs=3\n`;
    const folder = '/etc/NetworkManager/system-connections';
    expect(
      await managersWith({
        [`${folder}/a.nmconnection`]: profile('interface-name=enp1s0f0'),
        [`${folder}/b.nmconnection`]: profile('[ethernet]\nmac-address=52:54:00:00:01:01'),
        [`${folder}/c.nmconnection`]: profile('interface-name=eno1'),
        [`${folder}/d.nmconnection`]: '[connection]\ninterface-name=enp1s0f0\n',
        [`${folder}/e.nmconnection`]: profile('[match]\npath=pci-0000:03:00.0;'),
      }),
    ).toEqual({
      enp1s0f0: [
        `NetworkManager sets 3 VFs when this profile goes up, and 0 when it goes down (${folder}/a.nmconnection:6)`,
      ],
      enp1s0f1: [
        `NetworkManager sets 3 VFs when this profile goes up, and 0 when it goes down (${folder}/b.nmconnection:7)`,
      ],
    });
  });

  test('by its configuration, and by the older files of its profiles', async () => {
    expect(
      await managersWith({
        '/etc/NetworkManager/conf.d/99-sriov.conf':
          '[main]\nplugins=keyfile\n[device-vfs]\nmatch-device=interface-name:enp1s0f*,except:mac:00:00:00:00:00:01\nsriov-num-vfs=2\n[device-other]\nmatch-device=driver:mlx5_core\nsriov-num-vfs=9\n',
        '/etc/sysconfig/network-scripts/ifcfg-port':
          'DEVICE="enp1s0f1"\nONBOOT=yes\nSRIOV_TOTAL_VFS=5\n',
      }),
    ).toEqual({
      enp1s0f0: [
        'NetworkManager sets 2 VFs when it takes up the device (/etc/NetworkManager/conf.d/99-sriov.conf:5)',
      ],
      enp1s0f1: [
        'NetworkManager sets 5 VFs when this profile goes up, and 0 when it goes down (/etc/sysconfig/network-scripts/ifcfg-port:3)',
        'NetworkManager sets 2 VFs when it takes up the device (/etc/NetworkManager/conf.d/99-sriov.conf:5)',
      ],
    });
  });
});

test('systemd by link files that make VFs and network files that set them up', async () => {
  expect(
    await managersWith({
      '/etc/systemd/network/10-pf.link':
        '[Match]\nPath=pci-0000:01:00.0\n\n[Link]\nNamePolicy=path\nSR-IOVVirtualFunctions=4\n',
      '/etc/systemd/network/20-all.link':
        '[Match]\nDriver=!igb\n[Link]\nSR-IOVVirtualFunctions=9\n',
      '/run/systemd/network/30.network':
        '[Match]\nName=enp1s0f1 eno*\n[SR-IOV]\nVirtualFunction=0\nTrust=yes\n[SR-IOV]\nVirtualFunction=1\n',
      '/etc/systemd/network/99-mine-sriovctl.link': '[Match]\nName=*\n[SR-IOV]\n',
    }),
  ).toEqual({
    enp1s0f0: [
      'systemd-udevd sets 4 VFs whenever the netdev appears or moves (/etc/systemd/network/10-pf.link:6)',
    ],
    enp1s0f1: ['systemd-networkd sets up its VFs (/run/systemd/network/30.network:3)'],
  });
});

describe('a text that writes sriov_numvfs', () => {
  test('by the function, the netdev, the MAC or the driver that it names', async () => {
    const rules = [
      '# ATTR{device/sriov_numvfs}="7" of a comment',
      'ACTION=="add", SUBSYSTEM=="net", KERNELS=="0000:01:00.0", ATTR{device/sriov_numvfs}="4"',
      'SUBSYSTEM=="net", KERNEL=="enp1s0f1|eno7", ATTR{device/sriov_numvfs}="2"',
      'SUBSYSTEM=="net", KERNEL=="eno1", ATTR{device/sriov_numvfs}="2"',
      'SUBSYSTEM=="net", ATTR{address}=="52:54:00:00:01:01", \\',
      '  ATTR{device/sriov_numvfs}="3"',
      'SUBSYSTEM=="pci", DRIVER=="mlx5_core", ATTR{sriov_numvfs}="8"',
      '',
    ].join('\n');
    const found = await managersWith({ '/etc/udev/rules.d/70-vfs.rules': rules });
    const says = 'a udev rule writes sriov_numvfs whenever udev runs it';
    expect(found).toEqual({
      enp1s0f0: [`${says} (/etc/udev/rules.d/70-vfs.rules:2)`],
      enp1s0f1: [
        `${says} (/etc/udev/rules.d/70-vfs.rules:3)`,
        `${says} (/etc/udev/rules.d/70-vfs.rules:6)`,
      ],
    });
  });

  test.each([
    ['/etc/rc.local', '#!/bin/sh\necho 4 > /sys/class/net/enp1s0f0/device/sriov_numvfs\n', 2],
    ['/etc/tmpfiles.d/vfs.conf', 'w /sys/class/net/enp1s0f0/device/sriov_numvfs - - - - 4\n', 1],
    ['/etc/sysfs.d/vfs.conf', 'bus/pci/devices/0000:01:00.0/sriov_numvfs = 4\n', 1],
    [
      '/etc/systemd/system/vfs.service',
      "[Service]\nExecStart=/bin/sh -c 'echo 4 >/sys/bus/pci/devices/0000\\:01\\:00.0/sriov_numvfs'\n",
      2,
    ],
    [
      '/etc/network/interfaces',
      'iface enp1s0f0 inet manual\n  up echo 4 >/sys/class/net/enp1s0f0/device/sriov_numvfs\n',
      2,
    ],
    ['/etc/cron.d/vfs', '@reboot root echo 4 >/sys/class/net/enp1s0f0/device/sriov_numvfs\n', 1],
  ] as const)('in %s', async (path, text, line) => {
    const { enp1s0f0 = [], ...others } = await managersWith({ [path]: text });
    expect(enp1s0f0).toHaveLength(1);
    expect(enp1s0f0[0]).toContain(`(${path}:${line})`);
    expect(others).toEqual({});
  });

  test('may mean any PF where it names none', async () => {
    const found = await managersWith({
      '/etc/rc.local': 'for p in $pfs; do echo 4 >/sys/class/net/$p/device/sriov_numvfs; done\n',
    });
    expect(Object.keys(found)).toEqual(['enp1s0f0', 'enp1s0f1']);
  });
});

test('options of the PF driver that make VFs', async () => {
  expect(
    await managersWith({
      '/etc/modprobe.d/nic.conf': '# options igb max_vfs=1\noptions ixgbe max_vfs=63\n',
      '/etc/modprobe.d/vfs.conf': 'options igb debug=1 max_vfs=7\n',
    }),
  ).toEqual({
    enp1s0f0: [
      'a module option makes VFs of every PF when igb is loaded (max_vfs) (/etc/modprobe.d/vfs.conf:1)',
    ],
    enp1s0f1: [
      'a module option makes VFs of every PF when igb is loaded (max_vfs) (/etc/modprobe.d/vfs.conf:1)',
    ],
  });
});

test('os-net-config by what it keeps for its service', async () => {
  const path = '/var/lib/os-net-config/sriov_config.yaml';
  expect(
    await managersWith({
      [path]:
        '- device_type: pf\n  name: eno1\n  numvfs: 2\n- device_type: pf\n  name: enp1s0f0\n  numvfs: 6\n- device_type: vf\n  name: enp1s0f1\n',
    }),
  ).toEqual({ enp1s0f0: [`os-net-config sets 6 VFs at each boot (${path}:4)`] });
});

test('driverctl by its files for the PF and for VFs that are or will be', async () => {
  expect(
    await managersWith({
      '/etc/driverctl.d/pci-0000:01:10.2': 'vfio-pci\n',
      '/etc/driverctl.d/pci-0000:01:00.1': 'vfio-pci\n',
      '/etc/driverctl.d/pci-0000:07:00.0': 'vfio-pci\n',
    }),
  ).toEqual({
    enp1s0f0: [
      'driverctl binds VF 1 (0000:01:10.2) to vfio-pci whenever it appears (/etc/driverctl.d/pci-0000:01:10.2:1)',
    ],
    enp1s0f1: [
      'driverctl binds the PF to vfio-pci whenever it appears (/etc/driverctl.d/pci-0000:01:00.1:1)',
    ],
  });
});

test('the SR-IOV operator where it runs, in other words where it leaves the PF to others', async () => {
  const record = '/etc/sriov-operator/pci/0000:01:00.0';
  expect(await managersWith({ [record]: '{"numVfs":4,"externallyManaged":true}' })).toEqual({
    enp1s0f0: [
      `the SR-IOV network operator leaves the number of VFs to others, and wants 4 (${record}:1)`,
    ],
    enp1s0f1: [
      'the SR-IOV network operator runs here, and takes the PF as soon as a policy of it names it (/etc/sriov-operator:1)',
    ],
  });
});
