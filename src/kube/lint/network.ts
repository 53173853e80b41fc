import { isIP } from 'node:net';
import * as z from 'zod';
import { isJsonList, isJsonObject, type JsonObject, listAt, parseJson, textAt } from '../json.ts';
import { type Finding, finding } from './finding.ts';
import { issueText } from './issue-text.ts';

/** An address with its prefix length, as every IPAM plugin wants it. */
const cidr = z.string().refine(isCidr, 'is no address with a prefix length, such as 10.0.0.1/24');
const address = z.string().refine((text) => isIP(text) !== 0, 'is no IP address');
const routes = z.array(z.strictObject({ dst: cidr, gw: address.optional() })).optional();

function isCidr(text: string): boolean {
  const [host = '', length = '', ...more] = text.split('/');
  const family = isIP(host);
  const bits = family === 4 ? 32 : 128;
  return family !== 0 && more.length === 0 && /^\d{1,3}$/.test(length) && Number(length) <= bits;
}

const ipamSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('host-local'),
    subnet: cidr,
    rangeStart: address.optional(),
    rangeEnd: address.optional(),
    gateway: address.optional(),
    routes,
    dataDir: z.string().optional(),
    resolvConf: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('static'),
    addresses: z.array(z.strictObject({ address: cidr, gateway: address.optional() })).min(1),
    routes,
  }),
  z.strictObject({
    type: z.literal('whereabouts'),
    range: z.string(),
    range_start: address.optional(),
    range_end: address.optional(),
    exclude: z.array(z.string()).optional(),
    gateway: address.optional(),
    routes,
  }),
  z.strictObject({ type: z.literal('dhcp') }),
]);

const rate = z.number().int().min(0).optional();

/** Every plugin of a list may also say for which runtime values it asks. */
const capabilities = z.record(z.string(), z.boolean()).optional();

const plugins = {
  sriov: z.strictObject({
    type: z.literal('sriov'),
    vlan: z.number().int().min(0).max(4094).optional(),
    vlanQoS: z.number().int().min(0).max(7).optional(),
    vlanProto: z.enum(['802.1q', '802.1ad']).optional(),
    mac: z
      .string()
      .regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i, 'is no MAC address')
      .optional(),
    min_tx_rate: rate,
    max_tx_rate: rate,
    spoofchk: z.enum(['on', 'off']).optional(),
    trust: z.enum(['on', 'off']).optional(),
    link_state: z.enum(['auto', 'enable', 'disable']).optional(),
    logLevel: z.enum(['panic', 'error', 'warning', 'info', 'debug']).optional(),
    logFile: z.string().optional(),
    capabilities,
    ipam: ipamSchema.optional(),
  }),
  tuning: z.strictObject({
    type: z.literal('tuning'),
    sysctl: z.record(z.string(), z.string()).optional(),
    mac: z.string().optional(),
    mtu: z.number().int().min(68).max(65_535).optional(),
    promisc: z.boolean().optional(),
    allmulti: z.boolean().optional(),
    txQLen: z.number().int().min(0).optional(),
    capabilities,
  }),
  rdma: z.strictObject({ type: z.literal('rdma') }),
  bond: z.strictObject({
    type: z.literal('bond'),
    mode: z.enum(['active-backup', 'balance-rr', 'balance-xor', '802.3ad']),
    failOverMac: z.number().int().min(0).max(2).optional(),
    linksInContainer: z.literal(true),
    miimon: z.string().regex(/^\d+$/),
    mtu: z.number().int().optional(),
    links: z.array(z.strictObject({ name: z.string().regex(/^[^/\s]{1,15}$/) })).min(2),
    ipam: ipamSchema.optional(),
  }),
} as const;

const silence = 'The plugins ignore what they do not know, and take a wrong value for off.';

/** What the CNI plugins would make of a network's configuration without a word, or only in a pod. */
export const lintNetworkConfig = (text: string): readonly Finding[] => {
  const json = parseJson(text);
  if (!isJsonObject(json)) return [finding('the configuration is no JSON object', silence)];
  const { cniVersion, plugins: list } = json;
  const single = Object.fromEntries(
    Object.entries(json).filter(([key]) => !['cniVersion', 'name', 'plugins'].includes(key)),
  );
  const findings: Finding[] = [];
  if (typeof cniVersion !== 'string' || !/^(0\.[3-4]|1\.[01])\.\d$/.test(cniVersion)) {
    const hint = 'Set "cniVersion": "1.0.0"; without it the interfaces are missing in the result.';
    findings.push(finding('cniVersion is missing or unknown', hint));
  }
  const chain = isJsonList(list) ? list.filter(isJsonObject) : [single];
  const [first] = chain;
  if (chain.some(({ type }) => type === 'sriov') && first?.['type'] !== 'sriov') {
    findings.push(finding('sriov is not the first plugin', 'The others need its interface.'));
  }
  return [...findings, ...chain.flatMap(lintPlugin)];
};

const lintPlugin = (plugin: JsonObject): readonly Finding[] => {
  const { type } = plugin;
  if (typeof type !== 'string') return [finding('a plugin has no type', silence)];
  if ('deviceID' in plugin) {
    return [finding('deviceID is given', 'Multus gives each pod its own: leave it out.')];
  }
  if (!isKnown(type)) return [];
  const parsed = plugins[type].safeParse(plugin);
  if (!parsed.success) {
    return parsed.error.issues.map((issue) => finding(`${type}: ${issueText(issue)}`, silence));
  }
  return [...(type === 'sriov' ? lintSriov(plugin) : []), ...lintRoutes(plugin)];
};

const isKnown = (type: string): type is keyof typeof plugins => type in plugins;

/** What goes together and what does not (pkg/config of sriov-cni v2.10.0). */
const lintSriov = (plugin: JsonObject): readonly Finding[] => {
  const { vlan, vlanQoS, vlanProto, min_tx_rate: min, max_tx_rate: max, mac } = plugin;
  const findings: Finding[] = [];
  if ((vlanQoS !== undefined || vlanProto !== undefined) && vlan === undefined) {
    findings.push(finding('vlanQoS or vlanProto is given without vlan', 'Add vlan.'));
  }
  if (vlan === 0 && ((vlanQoS ?? 0) !== 0 || vlanProto === '802.1ad')) {
    findings.push(
      finding('vlan 0 has no priority and no 802.1ad', 'Give a VLAN, or leave the others out.'),
    );
  }
  if (typeof min === 'number' && typeof max === 'number' && max > 0 && min > max) {
    findings.push(finding(`min_tx_rate ${min} is above max_tx_rate ${max}`, 'Swap them.'));
  }
  if (typeof mac === 'string' && (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1) {
    findings.push(finding(`${mac} is a multicast address`, 'Make the second digit even.'));
  }
  return findings;
};

const lintRoutes = (plugin: JsonObject): readonly Finding[] =>
  listAt(plugin, 'ipam', 'routes').some((route) =>
    /^(0\.0\.0\.0|::)\/0$/.test(textAt(route, 'dst') ?? ''),
  )
    ? [
        finding(
          'the network has a default route, which would compete with the cluster’s own',
          'Leave it out; a pod asks for it with default-route in its annotation.',
        ),
      ]
    : [];

/** The plugins that a configuration needs in the node's CNI folder, IPAM included. */
export const pluginsOf = (text: string): readonly string[] => {
  const json = parseJson(text);
  if (!isJsonObject(json)) return [];
  const list = listAt(json, 'plugins').filter(isJsonObject);
  const chain = list.length > 0 ? list : [json];
  return chain.flatMap(({ type, ipam }) => [
    ...(typeof type === 'string' ? [type] : []),
    ...(isJsonObject(ipam) && typeof ipam['type'] === 'string' ? [ipam['type']] : []),
  ]);
};
