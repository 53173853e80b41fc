import { hostTree } from '../../scripts/host-tree.mjs';

export const vfsPerPf = 128;

/**
 * Writes a host with as many VFs as cards that are full can have: two-port Intel E810 (8086:1592), 128
 * VFs a port (8086:1889, bound to iavf), each with its netdev.
 */
export const makeSriovTree = (top, cards) => {
  const tree = hostTree(top);
  tree.driver('pcieport');
  tree.driver('ice', 'ice');
  tree.driver('iavf', 'iavf');
  for (let card = 0; card < cards; card += 1) putCard(tree, card);
  tree.file('/sys/bus/pci/drivers_autoprobe', '1\n');
  tree.file('/sys/bus/pci/drivers_probe', '', 0o200);
  tree.file('/proc/cmdline', 'BOOT_IMAGE=/boot/vmlinuz root=/dev/sda1 ro\n', 0o444);
  tree.finish();
};

/** The netdevs of the PFs of such a host. */
export const portsOf = (cards) =>
  Array.from({ length: cards }, (_, card) => [0, 1].map((port) => portName(card, port))).flat();

const firstBus = (card) => 1 + card * 2;
const portName = (card, port) => `enp${firstBus(card)}s0f${port}`;

/** A root port with the two buses that 258 functions take. */
const putCard = (tree, card) => {
  const bus = firstBus(card);
  const slot = tree.pciFunction('/sys/devices/pci0000:00', address(0, 8 * (card + 1)), {
    ...ids(0x347a),
    class: 0x060400,
    driver: 'pcieport',
    bridge: { secondary: bus, subordinate: bus + 1 },
  });
  putPort(tree, { slot, bus, card, port: 0, offset: 8 });
  putPort(tree, { slot, bus, card, port: 1, offset: 7 + vfsPerPf });
};

const putPort = (tree, { slot, bus, card, port, offset }) => {
  const at = address(bus, port);
  const name = portName(card, port);
  const mac = `b4:96:91:00:${octet(card)}:${octet(port)}`;
  const pf = tree.pciFunction(slot, at, {
    ...ids(0x1592),
    class: 0x020000,
    multifunction: true,
    driver: 'ice',
    readOnly: {
      sriov_totalvfs: vfsPerPf,
      sriov_offset: offset,
      sriov_stride: 1,
      sriov_vf_device: '1889',
    },
    writable: { sriov_numvfs: vfsPerPf, sriov_drivers_autoprobe: 1 },
  });
  const ifindex = 2 + (card * 2 + port) * (vfsPerPf + 1);
  tree.netdev(pf, name, { ...up, mac, ifindex });
  for (let index = 0; index < vfsPerPf; index += 1) {
    const vfAt = address(bus, port + offset + index);
    const vf = tree.pciFunction(slot, vfAt, { ...ids(0x1889), class: 0x020000, driver: 'iavf' });
    tree.link(`${pf}/virtfn${index}`, vf);
    tree.link(`${vf}/physfn`, pf);
    const vfMac = `02:${octet(card)}:${octet(port)}:00:00:${octet(index)}`;
    tree.netdev(vf, `${name}v${index}`, { ...up, mac: vfMac, ifindex: ifindex + 1 + index });
  }
};

const up = { operstate: 'up', flags: '0x1003', carrier: true, speed: 100000, pci: true };
const ids = (device) => ({
  vendor: 0x8086,
  device,
  subVendor: 0x8086,
  subDevice: 0x0002,
  revision: 0x02,
});

const octet = (value) => value.toString(16).padStart(2, '0');

/** Of the function `devfn` places after the first of a bus; more than 256 are on the next. */
const address = (bus, devfn) => {
  const number = (devfn & 0xff) >> 3;
  return `0000:${octet(bus + (devfn >> 8))}:${octet(number)}.${devfn & 7}`;
};
