import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, posix } from 'node:path';

/**
 * Writes a made host tree below `top`, which is emptied first: PCI functions, their drivers, netdevs and
 * IOMMU groups as the kernel's sysfs has them. `finish` writes the MANIFEST.
 */
export const hostTree = (top) => {
  const manifest = [];
  rmSync(top, { recursive: true, force: true });

  const file = (path, content, mode = 0o644) => {
    mkdirSync(dirname(top + path), { recursive: true });
    writeFileSync(top + path, content);
    if (mode !== 0o644) manifest.push(`mode ${mode.toString(8)} ${path}`);
  };
  /** As the kernel spells links: a folder above the link is named too, `../../../0000:01:00.0`. */
  const link = (path, target) => {
    mkdirSync(dirname(top + path), { recursive: true });
    const way = posix.relative(posix.dirname(path), target);
    const spelled = /(^|\/)\.\.$/.test(way) ? `${way}/../${posix.basename(target)}` : way;
    symlinkSync(spelled, top + path);
  };
  const folder = (path) => manifest.push(`dir ${path}`);
  const readFails = (path, errno, mode = 0o444) => {
    file(path, '', mode);
    manifest.push(`errno ${errno} read ${path}`);
  };
  const attributes = (base, mode, values) => {
    for (const [name, value] of Object.entries(values)) file(`${base}/${name}`, `${value}\n`, mode);
  };

  const unit = '/sys/devices/virtual/iommu/dmar0';
  link('/sys/class/iommu/dmar0', unit);
  attributes(`${unit}/intel-iommu`, 0o444, {
    address: 'fed91000',
    cap: 'd2008c40660462',
    ecap: 'f050da',
    version: '1:0',
    domains_supported: 65536,
    domains_used: 1,
  });
  file('/sys/firmware/acpi/tables/DMAR', '', 0o400);

  let group = 0;
  const pciFunction = (parent, address, of) => {
    const base = `${parent}/${address}`;
    const id = (value) => `0x${hex(value, 4)}`;
    const classText = hex(of.class, 6);
    const wide = (value) => hex(value, 8).toUpperCase();
    const modalias = `pci:v${wide(of.vendor)}d${wide(of.device)}sv${wide(of.subVendor)}sd${wide(of.subDevice)}bc${classText.slice(0, 2)}sc${classText.slice(2, 4)}i${classText.slice(4)}`;
    attributes(base, 0o444, {
      vendor: id(of.vendor),
      device: id(of.device),
      subsystem_vendor: id(of.subVendor),
      subsystem_device: id(of.subDevice),
      class: `0x${classText}`,
      revision: `0x${hex(of.revision, 2)}`,
      modalias,
      irq: of.irq ?? 0,
      local_cpus: 'ff',
      local_cpulist: '0-7',
      ari_enabled: 0,
      power_state: 'D0',
      dma_mask_bits: of.dmaBits ?? 32,
      consistent_dma_mask_bits: of.dmaBits ?? 32,
      ...of.readOnly,
    });
    attributes(base, 0o644, {
      driver_override: '(null)',
      enable: of.driver === undefined ? 0 : 1,
      numa_node: -1,
      msi_bus: 1,
      broken_parity_status: 0,
      d3cold_allowed: 1,
      ...of.writable,
    });
    file(`${base}/remove`, '', 0o220);
    file(`${base}/rescan`, '', 0o200);
    file(`${base}/resource`, resourceText(of.resource ?? [], of.bridge ? 17 : 13), 0o444);
    file(`${base}/config`, config(of, of.extended));
    const uevent = [
      ...(of.driver === undefined ? [] : [`DRIVER=${of.driver}`]),
      `PCI_CLASS=${classText.replace(/^0+/, '').toUpperCase()}`,
      `PCI_ID=${hex(of.vendor, 4)}:${hex(of.device, 4)}`.toUpperCase(),
      `PCI_SUBSYS_ID=${hex(of.subVendor, 4)}:${hex(of.subDevice, 4)}`.toUpperCase(),
      `PCI_SLOT_NAME=${address}`,
      `MODALIAS=${modalias}`,
    ];
    file(`${base}/uevent`, `${uevent.join('\n')}\n`);
    link(`${base}/subsystem`, '/sys/bus/pci');
    link(`/sys/bus/pci/devices/${address}`, base);
    if (of.driver !== undefined) {
      link(`${base}/driver`, `/sys/bus/pci/drivers/${of.driver}`);
      link(`/sys/bus/pci/drivers/${of.driver}/${address}`, base);
    }
    if (of.bridge) {
      attributes(base, 0o444, {
        secondary_bus_number: of.bridge.secondary,
        subordinate_bus_number: of.bridge.subordinate,
      });
    }
    const groupFolder = `/sys/kernel/iommu_groups/${of.group ?? group}`;
    link(`${base}/iommu_group`, groupFolder);
    link(`${base}/iommu`, unit);
    link(`${unit}/devices/${address}`, base);
    link(`${groupFolder}/devices/${address}`, base);
    if (of.group === undefined) {
      file(`${groupFolder}/type`, 'identity\n');
      file(`${groupFolder}/reserved_regions`, '0x00000000fee00000 0x00000000feefffff msi\n', 0o444);
      group += 1;
    }
    return base;
  };

  const driver = (name, module) => {
    for (const verb of ['bind', 'unbind', 'new_id', 'remove_id', 'uevent']) {
      file(`/sys/bus/pci/drivers/${name}/${verb}`, '', 0o200);
    }
    if (module === undefined) return;
    link(`/sys/bus/pci/drivers/${name}/module`, `/sys/module/${module}`);
    link(`/sys/module/${module}/drivers/pci:${name}`, `/sys/bus/pci/drivers/${name}`);
    file(`/sys/module/${module}/refcnt`, '0\n', 0o444);
    file(`/sys/module/${module}/initstate`, 'live\n', 0o444);
  };

  const netdev = (base, name, of) => {
    const net = `${base}/net/${name}`;
    attributes(net, 0o444, {
      address: of.mac,
      broadcast: of.broadcast ?? 'ff:ff:ff:ff:ff:ff',
      addr_assign_type: 0,
      addr_len: 6,
      dev_id: '0x0',
      dev_port: 0,
      dormant: 0,
      duplex: of.carrier ? 'full' : 'unknown',
      ifindex: of.ifindex,
      iflink: of.ifindex,
      link_mode: 0,
      name_assign_type: of.nameType ?? 4,
      operstate: of.operstate,
      speed: of.carrier ? (of.speed ?? 1000) : -1,
      testing: 0,
      type: of.type ?? 1,
      carrier_changes: of.carrier ? 2 : 1,
    });
    attributes(net, 0o644, {
      carrier: of.carrier ? 1 : 0,
      flags: of.flags,
      ifalias: '',
      mtu: of.mtu ?? 1500,
      netdev_group: 0,
      proto_down: 0,
      tx_queue_len: 1000,
      uevent: `INTERFACE=${name}\nIFINDEX=${of.ifindex}`,
    });
    for (const attribute of ['phys_port_id', 'phys_port_name', 'phys_switch_id']) {
      readFails(`${net}/${attribute}`, 'EOPNOTSUPP');
    }
    link(`${net}/subsystem`, '/sys/class/net');
    link(`/sys/class/net/${name}`, net);
    if (of.pci) {
      link(`${net}/device`, base);
      file(`/run/udev/data/n${of.ifindex}`, `I:1\nE:ID_NET_NAME_PATH=${name}\n`);
    }
  };

  const finish = () => {
    const order = ['dir', 'mode', 'errno'];
    const kindOf = (line) => order.indexOf(line.split(' ')[0]);
    const pathOf = (line) => line.slice(line.indexOf(' /'));
    manifest.sort((a, b) => kindOf(a) - kindOf(b) || (pathOf(a) < pathOf(b) ? -1 : 1));
    writeFileSync(`${top}/MANIFEST`, manifest.map((line) => `${line}\n`).join(''));
  };

  return { file, link, folder, readFails, attributes, driver, pciFunction, netdev, finish };
};

const hex = (value, width) => value.toString(16).padStart(width, '0');
const zero = [0n, 0n, 0n];
const resourceText = (lines, count) =>
  Array.from({ length: count }, (_, index) => lines[index] ?? zero)
    .map((line) => line.map((value) => `0x${hex(value, 16)}`).join(' '))
    .join('\n')
    .concat('\n');

/** Where the PCI Express capability is. */
const expressAt = 0xa0;

/** The first 256 bytes, or 4096 with the extended capabilities in `extended`. */
const config = (of, extended = []) => {
  const bytes = Buffer.alloc(extended.length > 0 ? 4096 : 256);
  bytes.writeUInt16LE(of.vendor, 0x00);
  bytes.writeUInt16LE(of.device, 0x02);
  bytes.writeUInt16LE(0x0406, 0x04);
  bytes.writeUInt16LE(0x0010, 0x06);
  bytes.writeUInt32LE(((of.class << 8) | of.revision) >>> 0, 0x08);
  bytes.writeUInt8((of.bridge ? 0x01 : 0x00) | (of.multifunction ? 0x80 : 0x00), 0x0e);
  if (of.bridge) {
    bytes.set([0, of.bridge.secondary, of.bridge.subordinate], 0x18);
  } else {
    bytes.writeUInt16LE(of.subVendor, 0x2c);
    bytes.writeUInt16LE(of.subDevice, 0x2e);
    for (let bar = 0; bar < 6; bar += 1) {
      const [start, , flags] = of.resource?.[bar] ?? zero;
      // The low bits of the flags are those of the register (PCI_REGION_FLAG_MASK).
      if (start > 0n) bytes.writeUInt32LE(Number(start | (flags & 0xfn)), 0x10 + bar * 4);
    }
  }
  if (of.express) {
    bytes.writeUInt8(expressAt, 0x34);
    bytes.set([0x10, 0, 0x02, 0], expressAt);
    // 512 bytes a payload, function-level reset; 5 GT/s and four lanes, offered and in use.
    for (const [index, word] of [0x10008cc2, 0x2810, 0x42, 0x10420000].entries()) {
      bytes.writeUInt32LE(word, expressAt + 4 + index * 4);
    }
  } else bytes.writeUInt16LE(0, 0x06);
  for (const { at, words } of extended) {
    for (const [index, word] of words.entries()) bytes.writeUInt32LE(word >>> 0, at + index * 4);
  }
  return bytes;
};
