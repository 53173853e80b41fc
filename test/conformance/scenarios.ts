import type { HostPath } from '../../src/host.ts';

/** One thing done to a host. */
export type Deed =
  | { readonly write: HostPath; readonly value: string }
  /** modprobe, and its opposite. */
  | { readonly load: string }
  | { readonly unload: string }
  | { readonly link: string; readonly up: boolean }
  | { readonly read: HostPath };

export interface Scenario {
  readonly title: string;
  readonly deeds: readonly Deed[];
}

const port = ['0000:01:00.0', '0000:01:00.1'] as const;
const functionPath = (address: string, name: string): HostPath =>
  `/sys/bus/pci/devices/${address}/${name}`;
const driverPath = (driver: string, name: string): HostPath =>
  `/sys/bus/pci/drivers/${driver}/${name}`;

const numvfs = (of: 0 | 1, value: string): Deed => ({
  write: functionPath(port[of], 'sriov_numvfs'),
  value,
});
const set = (address: string, attribute: string, value: string): Deed => ({
  write: functionPath(address, attribute),
  value,
});
const bind = (driver: string, address: string): Deed => ({
  write: driverPath(driver, 'bind'),
  value: address,
});
const unbind = (driver: string, address: string): Deed => ({
  write: driverPath(driver, 'unbind'),
  value: address,
});
const probe = (address: string): Deed => ({
  write: '/sys/bus/pci/drivers_probe',
  value: address,
});
const link = (name: string, up: boolean): Deed => ({ link: name, up });
const vf = ['0000:01:10.0', '0000:01:10.2'] as const;

/** What kstrtou16 makes of it, at a count of 0 (nothing here may make a VF). */
const rubbish = [
  'abc',
  ' ',
  '\n',
  '-1',
  '-0',
  '+',
  '3.5',
  '1e1',
  'true',
  '0x',
  '0xg',
  '08',
  '65536',
  '99999999999999999999',
  ' 2',
  '2 ',
  '2\n\n',
  '2\n3',
  '',
  '010',
  '0x8',
  '+9',
  '65535',
  '00',
  '0x0\n',
];

/**
 * The questions that the kernel model and a real kernel are asked, in this order and on one host: two
 * ports of an 82576, the first one up, the second one down, igb and igbvf loaded, no VFs.
 */
export const scenarios: readonly Scenario[] = [
  {
    title: 'some VFs, the same again, other numbers, none',
    deeds: ['4', '4', '4\n', '5', '2', '7', '8', '9', '0', '0'].map((value) => numvfs(0, value)),
  },
  {
    title: 'rubbish at a count of 0',
    deeds: rubbish.map((value) => numvfs(0, value)),
  },
  {
    title: 'numbers spelled in other ways',
    deeds: ['+1', '0x1', '01\n', '0X1', 'abc', '00'].map((value) => numvfs(0, value)),
  },
  { title: 'as many as the driver offers', deeds: [numvfs(0, '7'), numvfs(0, '0')] },
  {
    title: 'VFs of a port that is down, and of both ports',
    deeds: [numvfs(1, '2'), numvfs(0, '2'), numvfs(1, '0'), numvfs(0, '0')],
  },
  {
    title: 'a port without a driver',
    deeds: [
      unbind('igb', port[1]),
      numvfs(1, '2'),
      numvfs(1, '8'),
      numvfs(1, '9'),
      numvfs(1, '0'),
      numvfs(1, 'x'),
      unbind('igb', port[1]),
      bind('igb', port[1]),
      bind('igb', port[1]),
      numvfs(1, '8'),
    ],
  },
  {
    title: 'a driver without SR-IOV',
    deeds: [
      { load: 'vfio-pci' },
      set(port[1], 'driver_override', 'vfio-pci'),
      probe(port[1]),
      unbind('igb', port[1]),
      bind('igb', port[1]),
      probe(port[1]),
      numvfs(1, '2'),
      numvfs(1, '0'),
      unbind('vfio-pci', port[1]),
      set(port[1], 'driver_override', '\n'),
      probe(port[1]),
    ],
  },
  {
    title: 'drivers are not to probe VFs',
    deeds: [
      set(port[0], 'sriov_drivers_autoprobe', 'x'),
      set(port[0], 'sriov_drivers_autoprobe', '0'),
      numvfs(0, '2'),
      bind('igbvf', vf[0]),
      probe(vf[0]),
      set(vf[0], 'driver_override', 'igbvf'),
      bind('igbvf', vf[0]),
      set(port[0], 'sriov_drivers_autoprobe', 'yes'),
      probe(vf[1]),
      set(port[0], 'sriov_drivers_autoprobe', 'off'),
      numvfs(0, '0'),
      numvfs(0, '1'),
      set(port[0], 'sriov_drivers_autoprobe', '1'),
      bind('igbvf', vf[0]),
      numvfs(0, '0'),
    ],
  },
  {
    title: 'yes and no in other words',
    deeds: ['n', 'Y', 'of', 'ON', 'f', 't', 'e', 'd', '0x', ' 1', 'o', '1\n'].map((value) =>
      set(port[1], 'sriov_drivers_autoprobe', value),
    ),
  },
  {
    title: 'a VF that is up loses and gets its carrier with its port',
    deeds: [
      numvfs(0, '1'),
      link('enp1s0f0v0', true),
      link('enp1s0f0v0', false),
      link('enp1s0f0v0', true),
      link('enp1s0f0', false),
      link('enp1s0f0', true),
      link('enp1s0f0v0', false),
      link('enp1s0f0v0', true),
      numvfs(0, '0'),
    ],
  },
  {
    title: 'a VF of a port that is down has no carrier until the port is up',
    deeds: [
      numvfs(1, '1'),
      link('enp1s0f1v0', true),
      link('enp1s0f1', true),
      link('enp1s0f1v0', false),
      link('enp1s0f1v0', true),
      unbind('igbvf', '0000:01:10.1'),
      bind('igbvf', '0000:01:10.1'),
      link('enp1s0f1v0', true),
      numvfs(1, '0'),
      link('enp1s0f1', false),
    ],
  },
  {
    title: 'a VF goes to vfio-pci and back',
    deeds: [
      numvfs(0, '2'),
      set(vf[0], 'driver_override', 'vfio-pci'),
      bind('vfio-pci', vf[0]),
      unbind('igbvf', vf[0]),
      unbind('igbvf', vf[0]),
      bind('vfio-pci', vf[0]),
      bind('vfio-pci', vf[1]),
      unbind('igbvf', vf[1]),
      bind('vfio-pci', vf[1]),
      { write: driverPath('vfio-pci', 'new_id'), value: '8086 10ca' },
      { write: driverPath('vfio-pci', 'new_id'), value: '8086 10ca' },
      { write: driverPath('vfio-pci', 'remove_id'), value: '8086 10ca' },
      { write: driverPath('vfio-pci', 'remove_id'), value: '8086 10ca' },
      { write: driverPath('vfio-pci', 'new_id'), value: 'rubbish' },
      unbind('vfio-pci', vf[1]),
      probe(vf[1]),
      unbind('vfio-pci', vf[0]),
      set(vf[0], 'driver_override', '\n'),
      probe(vf[0]),
      numvfs(0, '0'),
    ],
  },
  {
    title: 'VFs on vfio-pci are removed',
    deeds: [
      numvfs(0, '1'),
      set(vf[0], 'driver_override', 'vfio-pci'),
      unbind('igbvf', vf[0]),
      probe(vf[0]),
      numvfs(0, '0'),
    ],
  },
  {
    title: 'a port with VFs loses its driver',
    deeds: [
      numvfs(1, '2'),
      unbind('igb', port[1]),
      bind('igb', port[1]),
      { read: functionPath(port[1], 'sriov_numvfs') },
    ],
  },
  {
    title: 'the driver of the VFs is loaded after they were made',
    deeds: [{ unload: 'igbvf' }, numvfs(0, '2'), numvfs(0, '0')],
  },
  {
    title: 'writes that cannot be',
    deeds: [
      set(port[0], 'sriov_totalvfs', '1'),
      set(port[0], 'sriov_offset', '1'),
      set(port[0], 'sriov_nonsense', '1'),
      set('0000:00:03.0', 'sriov_numvfs', '1'),
      set('0000:01:1f.7', 'sriov_numvfs', '1'),
      { write: '/sys/bus/pci/drivers', value: '1' },
      probe('0000:01:1f.7'),
      probe('xx'),
      bind('igb', 'xx'),
      bind('igbvf', port[0]),
      unbind('igbvf', port[0]),
      set(port[0], 'driver_override', 'a'.repeat(4094)),
      set(port[0], 'driver_override', 'a'.repeat(4095)),
      set(port[0], 'driver_override', 'none\nmore'),
      set(port[0], 'driver_override', ''),
      set(port[0], 'driver_override', '\n'),
      set(port[0], 'driver_override', ' none '),
      set(port[0], 'driver_override', '\n'),
      set(port[0], 'numa_node', 'x'),
      set(port[0], 'numa_node', '-2'),
      set(port[0], 'numa_node', '1000'),
      probe('01:00.0'),
      probe(`${port[0]}\n`),
      probe(`${port[0]}\n\n`),
      { read: functionPath(port[0], 'reset') },
      { read: functionPath(port[0], 'sriov_nonsense') },
      { read: functionPath(port[0], 'net') },
      { read: driverPath('igb', 'bind') },
    ],
  },
  {
    title: 'writes to attributes of a VF',
    deeds: [
      numvfs(0, '1'),
      set(vf[0], 'sriov_vf_msix_count', '2'),
      set(vf[0], 'sriov_vf_msix_count', '-1'),
      set(vf[0], 'sriov_vf_msix_count', 'x'),
      set(vf[0], 'sriov_numvfs', '1'),
      set(vf[0], 'remove', '1'),
      set(vf[0], 'driver_override', 'nonesuch'),
      unbind('igbvf', vf[0]),
      probe(vf[0]),
      bind('igbvf', vf[0]),
      numvfs(0, '0'),
    ],
  },
  {
    title: 'a port with VFs is removed',
    deeds: [numvfs(1, '1'), set(port[1], 'remove', '1'), numvfs(1, '1')],
  },
];
