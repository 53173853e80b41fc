import { commandLine, HostError } from '../errors.ts';
import type { Action, Command, HostView, VfAttributes } from '../host.ts';
import { errnoOfMessage } from './errno.ts';
import { queryLink } from './ip-link.ts';
import type { IpLink } from './ip-link-schema.ts';

type VfAction = Extract<Action, { kind: 'vf' }>;
export type VfRequest = VfAction['vfs'][number];

/**
 * How many VFs one action sets: few enough to tell which of them failed, enough to start few programs.
 * A netlink message holds the settings of one VF in any case (see `vfCommands`).
 */
export const vfsAtOnce = 32;

/** The order in which the kernel sets what one message holds (do_setvfinfo, net/core/rtnetlink.c). */
export const settingOrder = [
  'mac',
  'vlan',
  'qos',
  'proto',
  'minTxRate',
  'maxTxRate',
  'spoofCheck',
  'linkState',
  'trust',
  'nodeGuid',
  'portGuid',
] as const satisfies readonly (keyof VfAttributes)[];

/**
 * `ip link set dev PF vf N …`, one netlink message a VF. Several `vf N` in one line would be accepted
 * and only the last of them set: each opens an IFLA_VFINFO_LIST of its own (iplink.c of iproute2), of
 * which the kernel keeps the last.
 */
export const vfCommandLines = ({
  netdev,
  vfs,
}: VfAction): readonly (readonly [string, ...string[]])[] =>
  vfs.map((vf) => ['ip', 'link', 'set', 'dev', netdev, 'vf', String(vf.index), ...words(vf)]);

/** The same as few programs as possible: a batch, unless the netdev's name would be read as syntax. */
export const vfCommands = (action: VfAction): readonly Command[] => {
  const lines = vfCommandLines(action);
  if (/[#'"\\]/.test(action.netdev)) return lines.map((argv) => ({ argv }));
  const stdin = lines.map(([, ...rest]) => `${rest.join(' ')}\n`).join('');
  return [{ argv: ['ip', '-batch', '-'], stdin }];
};

/**
 * The error of a program of `vfCommands`, with the kernel's errno and the line that it is about:
 * a batch says `RTNETLINK answers: …` and then `Command failed -:N`.
 */
export const vfError = (action: VfAction, command: Command, output: string): HostError => {
  const said = /^(?:RTNETLINK answers|Error): .*$/m.exec(output)?.[0] ?? output.trim();
  const place = Number(/Command failed -:(\d+)/.exec(output)?.[1]);
  const argv = vfCommandLines(action)[place - 1] ?? command.argv;
  return new HostError(errnoOfMessage(said) ?? 'EXIT', commandLine({ argv }), said);
};

/** What the PF's driver says of its VFs, by index; `undefined` where `ip` cannot be asked. */
export const readVfLinks = async (
  host: HostView,
  netdev: string,
): Promise<ReadonlyMap<number, VfAttributes> | undefined> => {
  const link = await queryLink(host, netdev);
  return link && new Map(link.vfinfo_list.map((info) => [info.vf, vfAttributes(info)]));
};

/** The part of what is wanted that is not so yet; an empty object if nothing is. */
export const differing = (wanted: VfAttributes, actual: VfAttributes | undefined): VfAttributes => {
  const other = Object.entries(wanted).filter(
    ([key, value]) => actual?.[key as keyof VfAttributes] !== value,
  );
  const found: VfAttributes = Object.fromEntries(other);
  // VLAN, priority and protocol are one setting to the kernel (struct ifla_vf_vlan_info).
  if (found.vlan === undefined && found.qos === undefined && found.proto === undefined) {
    return found;
  }
  return { ...found, ...vlanOf({ ...actual, ...wanted }) };
};

/** What takes settings back: the same ones as they were before. */
export const asBefore = (vf: VfRequest, before: VfAttributes | undefined): readonly VfRequest[] => {
  const { index, ...set } = vf;
  const known = Object.entries(before ?? {}).filter(([key]) => key in set);
  return known.length === 0 ? [] : [{ index, ...Object.fromEntries(known) }];
};

const vlanOf = ({ vlan, qos, proto }: VfAttributes): VfAttributes => ({
  vlan: vlan ?? 0,
  qos: qos ?? 0,
  proto: proto ?? '802.1q',
});

const words = (vf: VfAttributes): readonly string[] => {
  const { mac, vlan, qos, proto, minTxRate, maxTxRate, spoofCheck, trust, linkState } = vf;
  const word = (name: string, value: string | number | undefined): readonly string[] =>
    value === undefined ? [] : [name, String(value)];
  const onOff = (on: boolean | undefined) => (on === undefined ? undefined : on ? 'on' : 'off');
  return [
    ...word('mac', mac),
    ...word('vlan', vlan),
    ...(vlan === undefined ? [] : word('qos', qos)),
    ...(proto === '802.1ad' ? word('proto', proto) : []),
    ...word('max_tx_rate', maxTxRate),
    ...word('min_tx_rate', minTxRate),
    ...word('spoofchk', onOff(spoofCheck)),
    ...word('trust', onOff(trust)),
    ...word('state', linkState),
    ...word('node_guid', vf.nodeGuid),
    ...word('port_guid', vf.portGuid),
  ];
};

/** What `ip` prints of a VF. */
export const vfAttributes = (info: IpLink['vfinfo_list'][number]): VfAttributes => {
  const [{ vlan = 0, qos = 0, protocol = '802.1q' } = {}] = info.vlan_list;
  return {
    mac: info.address.toLowerCase(),
    vlan,
    qos,
    proto: protocol.toLowerCase() === '802.1ad' ? '802.1ad' : '802.1q',
    minTxRate: info.rate?.min_tx ?? 0,
    maxTxRate: info.rate?.max_tx ?? info.tx_rate ?? 0,
    ...(info.spoofchk !== undefined && { spoofCheck: info.spoofchk }),
    ...(info.trust !== undefined && { trust: info.trust }),
    linkState: info.link_state,
    ...(info['node guid'] !== undefined && { nodeGuid: info['node guid'].toLowerCase() }),
    ...(info['port guid'] !== undefined && { portGuid: info['port guid'].toLowerCase() }),
  };
};
