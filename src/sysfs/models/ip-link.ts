import type { HostFs, VfAttributes } from '../../host.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { isPfUp } from '../kernel/netdev.ts';
import { netAttribute, netdev, pciAttribute, udevFolder } from '../paths.ts';
import { listVfIndexes } from '../pci-device.ts';
import { orUnknown, readAttribute, readLinkName, readNumber } from '../read.ts';
import { noMac } from '../vf-settings.ts';

/** A link of `ip -j -d link show`, as far as sysfs can say it. */
export interface LinkEntry {
  readonly ifindex: number;
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly operstate: string;
  readonly address: string;
  readonly vfinfo_list?: readonly VfInfo[];
  /** All that is not worked out here: as the host below says it, or as a new link has it. */
  readonly [other: string]: unknown;
}

interface VfInfo {
  readonly vf: number;
  readonly address: string;
  readonly [other: string]: unknown;
}

/** `undefined` for a netdev that goes away meanwhile. */
export const linkEntry = async (
  kernel: Kernel,
  name: string,
  known: LinkEntry | undefined,
): Promise<LinkEntry | undefined> => {
  const { fs } = kernel;
  const text = (attribute: string) => readAttribute(fs, netAttribute(name, attribute));
  const ifindex = await readNumber(fs, netAttribute(name, 'ifindex'));
  if (ifindex === undefined) return undefined;
  const state = (await text('operstate')) ?? 'unknown';
  const parent = await readLinkName(fs, `${netdev(name)}/device`);
  const { vfinfo_list: knownVfs = [], ...rest } = known ?? {};
  const vfs = parent === undefined ? [] : await vfInfos(kernel, parent, knownVfs);
  return {
    qdisc: 'mq',
    linkmode: 'DEFAULT',
    group: 'default',
    link_type: (await text('type')) === '772' ? 'loopback' : 'ether',
    promiscuity: 0,
    ...(parent !== undefined && { parentbus: 'pci', parentdev: parent }),
    ...(await altnames(fs, name, ifindex)),
    ...rest,
    ifindex,
    ifname: name,
    flags: flagNames(Number(await text('flags')), await orUnknown(text('carrier'))),
    mtu: (await readNumber(fs, netAttribute(name, 'mtu'))) ?? 0,
    operstate: state.toUpperCase(),
    address: (await text('address')) ?? '',
    broadcast: await text('broadcast'),
    txqlen: await readNumber(fs, netAttribute(name, 'tx_queue_len')),
    ...(vfs.length > 0 && { vfinfo_list: vfs }),
  };
};

/** iproute2's names and order of the flags of include/uapi/linux/if.h. */
const flagOrder: readonly (readonly [number, string])[] = [
  [0x8, 'LOOPBACK'],
  [0x2, 'BROADCAST'],
  [0x10, 'POINTOPOINT'],
  [0x1000, 'MULTICAST'],
  [0x80, 'NOARP'],
  [0x200, 'ALLMULTI'],
  [0x100, 'PROMISC'],
  [0x400, 'MASTER'],
  [0x800, 'SLAVE'],
  [0x1, 'UP'],
];

const flagNames = (flags: number, carrier: string | undefined): readonly string[] => [
  ...((flags & 1) === 1 && carrier === '0' ? ['NO-CARRIER'] : []),
  ...flagOrder.flatMap(([bit, name]) => ((flags & bit) === 0 ? [] : [name])),
  ...(carrier === '1' ? ['LOWER_UP'] : []),
];

/** The PF learns the MAC of a VF whose driver could talk to it, so not while the PF was down. */
const vfInfos = async (
  kernel: Kernel,
  pf: string,
  known: readonly VfInfo[],
): Promise<readonly VfInfo[]> => {
  const { fs, unheard } = kernel;
  const indexes = await listVfIndexes(fs, pf);
  const infos: VfInfo[] = [];
  for (const index of indexes) {
    const address = (await readLinkName(fs, pciAttribute(pf, `virtfn${index}`))) ?? '';
    const config = kernel.vfConfigs.get(address) ?? {};
    const before = kernel.newVfs.has(address) ? undefined : known.find(({ vf }) => vf === index);
    if (before !== undefined) {
      infos.push({ ...before, ...configInfo(config) });
      continue;
    }
    const told = (await isPfUp(kernel, pf)) && !unheard.has(address);
    const [netdevName] = (await fs.list(pciAttribute(address, 'net'))) ?? [];
    const mac =
      told && netdevName !== undefined
        ? await readAttribute(fs, netAttribute(netdevName, 'address'))
        : undefined;
    infos.push({ ...usualVf, vf: index, address: mac ?? noMac, ...configInfo(config) });
  }
  return infos;
};

const usualVf = {
  link_type: 'ether',
  broadcast: 'ff:ff:ff:ff:ff:ff',
  vlan_list: [{}],
  rate: { max_tx: 0, min_tx: 0 },
  spoofchk: true,
  link_state: 'auto',
  trust: false,
};

/** What was set through the PF, in the words of print_vfinfo (ipaddress.c of iproute2). */
const configInfo = (config: VfAttributes): Partial<VfInfo> => {
  const { mac, vlan, minTxRate: min, maxTxRate: max, spoofCheck, trust, linkState } = config;
  const { nodeGuid, portGuid } = config;
  const rate =
    min === undefined && max === undefined ? undefined : { max: max ?? 0, min: min ?? 0 };
  return {
    ...given('address', mac),
    ...given('vlan_list', vlan === undefined ? undefined : [tagInfo(config)]),
    ...given('tx_rate', rate === undefined || rate.max === 0 ? undefined : rate.max),
    ...given('rate', rate && { max_tx: rate.max, min_tx: rate.min }),
    ...given('spoofchk', spoofCheck),
    ...given('link_state', linkState),
    ...given('trust', trust),
    ...given('node guid', nodeGuid),
    ...given('port guid', portGuid),
  };
};

/** No VLAN, priority 0 and 802.1Q are left out. */
const tagInfo = ({ vlan = 0, qos = 0, proto }: VfAttributes) => ({
  ...given('vlan', vlan || undefined),
  ...given('qos', qos || undefined),
  ...given('protocol', proto === '802.1ad' ? proto : undefined),
});

const given = (name: string, value: unknown): Readonly<Record<string, unknown>> =>
  value === undefined ? {} : { [name]: value };

/** systemd.link(5), AlternativeNamesPolicy: the names that udev worked out and did not choose. */
const altnames = async (
  fs: HostFs,
  name: string,
  ifindex: number,
): Promise<{ readonly altnames?: readonly string[] }> => {
  const text = (await fs.readText(`${udevFolder}/data/n${ifindex}`)) ?? '';
  const names = [...text.matchAll(/^E:ID_NET_NAME_(?:ONBOARD|SLOT|PATH|MAC)=(\S+)$/gm)].map(
    ([, each = '']) => each,
  );
  const others = [...new Set(names)].filter((each) => each !== name);
  return others.length === 0 ? {} : { altnames: others };
};
