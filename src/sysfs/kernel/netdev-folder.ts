import type { Planting } from '../overlay-node.ts';

/** A netdev's folder below /sys as it is when it has been registered: down, and not named by udev. */
export const netdevFolder = (of: {
  readonly name: string;
  readonly address: string;
  readonly ifindex: number;
  readonly mac: string;
  readonly permanent: boolean;
}): Planting => ({
  folder: {
    addr_assign_type: fixed(of.permanent ? '0\n' : '1\n'),
    addr_len: fixed('6\n'),
    address: fixed(`${of.mac}\n`),
    broadcast: fixed('ff:ff:ff:ff:ff:ff\n'),
    carrier_changes: fixed('1\n'),
    carrier_down_count: fixed('1\n'),
    carrier_up_count: fixed('0\n'),
    dev_id: fixed('0x0\n'),
    dev_port: fixed('0\n'),
    device: { link: `../../../${of.address}` },
    flags: '0x1002\n',
    gro_flush_timeout: '0\n',
    ifalias: '',
    ifindex: fixed(`${of.ifindex}\n`),
    iflink: fixed(`${of.ifindex}\n`),
    link_mode: fixed('0\n'),
    mtu: '1500\n',
    name_assign_type: fixed('2\n'),
    napi_defer_hard_irqs: '0\n',
    netdev_group: '0\n',
    operstate: fixed('down\n'),
    phys_port_id: unsupported,
    phys_port_name: unsupported,
    phys_switch_id: unsupported,
    proto_down: '0\n',
    queues: { folder: { 'rx-0': { folder: {} }, 'tx-0': { folder: {} } } },
    subsystem: { link: '../../../../../../class/net' },
    threaded: '0\n',
    tx_queue_len: '1000\n',
    type: fixed('1\n'),
    uevent: `INTERFACE=${of.name}\nIFINDEX=${of.ifindex}\n`,
    ...linkAttributes(false, false),
  },
});

/** Attributes that cannot be asked of a netdev that is down (net/core/net-sysfs.c). */
export const linkAttributes = (
  up: boolean,
  carrier: boolean,
): Readonly<Record<string, Planting>> => {
  const unless = (known: boolean, content: string, mode: number): Planting =>
    known ? { content, mode } : { content: '', mode, readErrno: 'EINVAL' };
  return {
    carrier: unless(up, carrier ? '1\n' : '0\n', 0o644),
    dormant: unless(up, '0\n', 0o444),
    duplex: unless(up, carrier ? 'full\n' : 'unknown\n', 0o444),
    speed: unless(up, carrier ? '1000\n' : '-1\n', 0o444),
    testing: unless(up, '0\n', 0o444),
  };
};

const unsupported: Planting = { content: '', mode: 0o444, readErrno: 'EOPNOTSUPP' };
const fixed = (content: string): Planting => ({ content, mode: 0o444 });
