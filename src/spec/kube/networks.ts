import * as z from 'zod';
import { address, cidr, objectName, resourceName } from './words.ts';

const routes = z
  .array(z.strictObject({ dst: cidr, gw: address.exactOptional() }))
  .describe('Without a default route, which would compete with the cluster’s own')
  .exactOptional();

const ipam = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('host-local').describe('Gives out addresses of a range on each node anew'),
      subnet: cidr,
      rangeStart: address.exactOptional(),
      rangeEnd: address.exactOptional(),
      gateway: address.exactOptional(),
      routes,
    }),
    z.strictObject({
      type: z.literal('static').describe('Gives each pod the same addresses'),
      addresses: z
        .array(z.strictObject({ address: cidr, gateway: address.exactOptional() }))
        .min(1, 'names no address'),
      routes,
    }),
    z.strictObject({
      type: z.literal('whereabouts').describe('Gives out addresses of a range to the cluster'),
      range: z.string().min(1),
      rangeStart: address.exactOptional(),
      rangeEnd: address.exactOptional(),
      exclude: z.array(z.string()).exactOptional(),
      gateway: address.exactOptional(),
      routes,
    }),
    z.strictObject({ type: z.literal('dhcp').describe('Needs the dhcp daemon on each node') }),
  ])
  .describe('Who gives out addresses; left out, the network has none');

const named = {
  name: objectName,
  namespace: objectName.exactOptional(),
  ipam: ipam.exactOptional(),
};

const rate = z.int('is no whole number').min(0, 'must not be negative');
const onOff = z.enum(['on', 'off']);

const sriov = z.strictObject({
  ...named,
  type: z.literal('sriov').exactOptional(),
  pool: resourceName.describe('May be left out where there is one pool only').exactOptional(),
  vlan: z.int().min(0).max(4094).describe('0 is untagged').exactOptional(),
  vlanQos: z.int().min(0).max(7).exactOptional(),
  vlanProto: z.enum(['802.1q', '802.1ad']).exactOptional(),
  mac: z
    .string()
    .regex(/^[\da-f]{2}(:[\da-f]{2}){5}$/i, 'is no MAC address')
    .exactOptional(),
  minTxRate: rate.describe('In Mbit/s; 0 is no limit').exactOptional(),
  maxTxRate: rate.describe('In Mbit/s; 0 is no limit').exactOptional(),
  spoofchk: onOff.exactOptional(),
  trust: onOff.exactOptional(),
  linkState: z.enum(['auto', 'enable', 'disable']).exactOptional(),
  logLevel: z.enum(['panic', 'error', 'warning', 'info', 'debug']).exactOptional(),
  mtu: z.int().min(68).max(65_535).describe('Through the chained tuning plugin').exactOptional(),
  sysctl: z
    .record(z.string(), z.string())
    .describe('Through the chained tuning plugin')
    .exactOptional(),
  promisc: z.boolean().exactOptional(),
  allmulti: z.boolean().exactOptional(),
  rdma: z.boolean().describe('Chains the rdma plugin').exactOptional(),
});

const bond = z.strictObject({
  ...named,
  type: z.literal('bond'),
  links: z
    .array(z.string().regex(/^[^/\s]{1,15}$/, 'is no name of an interface'))
    .min(2, 'are fewer than two')
    .describe('Interfaces of the pod, for example net1 and net2'),
  mode: z.enum(['active-backup', 'balance-rr', 'balance-xor', '802.3ad']).exactOptional(),
  miimon: z.int().min(1).describe('In milliseconds').exactOptional(),
});

export const networksSchema = z
  .array(z.union([sriov, bond]))
  .describe('Instead of one plain network for each pool');
