import type { BondNetworkSpec, IpamSpec, SriovNetworkSpec } from '../../resolved-spec.ts';
import type { PoolKind } from '../pools/pool.ts';

/** Keys of the SR-IOV CNI (pkg/types of v2.10.0); `deviceID` comes from Multus and never from here. */
interface SriovPlugin {
  readonly type: 'sriov';
  readonly vlan?: number;
  readonly vlanQoS?: number;
  readonly vlanProto?: string;
  readonly mac?: string;
  readonly min_tx_rate?: number;
  readonly max_tx_rate?: number;
  readonly spoofchk?: 'on' | 'off';
  readonly trust?: 'on' | 'off';
  readonly link_state?: string;
  readonly logLevel?: string;
  readonly capabilities: Readonly<Record<string, boolean>>;
  readonly ipam?: Ipam;
}

type Ipam = Readonly<Record<string, unknown>> & { readonly type: string };

/** A single plugin's configuration, or a list of plugins that run one after the other. */
export type CniConfig = Readonly<Record<string, unknown>> & {
  readonly cniVersion: string;
  readonly name: string;
};

/** Without a version the runtime takes the result for one of the oldest, and finds no interfaces. */
const cniVersion = '1.0.0';

export const sriovConfig = (name: string, kind: PoolKind, network: SriovNetworkSpec): CniConfig => {
  const plugin = sriovPlugin(kind, network);
  const chained = chainedPlugins(network);
  return chained.length === 0
    ? { cniVersion, name, ...plugin }
    : { cniVersion, name, plugins: [plugin, ...chained] };
};

/** Only what is given: a key that is left out leaves the VF's own setting alone. */
const sriovPlugin = (kind: PoolKind, network: SriovNetworkSpec): SriovPlugin => {
  const { vlan, vlanQos, vlanProto, mac, minTxRate, maxTxRate, ...more } = network;
  const { spoofchk, trust, linkState, logLevel, ipam } = more;
  return given({
    type: 'sriov',
    vlan,
    vlanQoS: vlanQos,
    vlanProto,
    mac,
    min_tx_rate: minTxRate,
    max_tx_rate: maxTxRate,
    spoofchk,
    trust,
    link_state: linkState,
    logLevel,
    // A VF for userspace has no interface that an address could be given to.
    capabilities: kind === 'kernel' ? { mac: true, ips: true } : { mac: true },
    ipam: ipam && ipamConfig(ipam),
  });
};

const chainedPlugins = (network: SriovNetworkSpec): readonly object[] => {
  const { mtu, sysctl, promisc, allmulti, rdma } = network;
  const tuning = given({ mtu, sysctl, promisc, allmulti });
  return [
    ...(Object.keys(tuning).length > 0 ? [{ type: 'tuning', ...tuning }] : []),
    ...(rdma === true ? [{ type: 'rdma' }] : []),
  ];
};

export const bondConfig = (network: BondNetworkSpec): CniConfig =>
  given({
    cniVersion,
    name: network.name,
    type: 'bond',
    mode: network.mode ?? 'active-backup',
    // One MAC for all links would be refused by a PF that checks for spoofing.
    failOverMac: 1,
    linksInContainer: true,
    miimon: String(network.miimon ?? 100),
    links: network.links.map((link) => ({ name: link })),
    ipam: network.ipam && ipamConfig(network.ipam),
  });

/** whereabouts spells its ranges in another way than host-local. */
const ipamConfig = (ipam: IpamSpec): Ipam => {
  if (ipam.type !== 'whereabouts') return { ...ipam };
  const { rangeStart, rangeEnd, ...rest } = ipam;
  return given({ ...rest, range_start: rangeStart, range_end: rangeEnd });
};

type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> };

const given = <T extends object>(value: T): Given<T> =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Given<T>;
