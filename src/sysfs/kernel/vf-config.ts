import { commandLine, HostError } from '../../errors.ts';
import type { Action, VfAttributes } from '../../host.ts';
import { describeErrno } from '../errno.ts';
import type { RefusableSetting } from '../known-driver-table.ts';
import { knownPfDriver } from '../known-drivers.ts';
import { netAttribute, netdev as netdevFolder, pciAttribute } from '../paths.ts';
import { orUnknown, readAttribute, readId, readLinkName, readNumber } from '../read.ts';
import { settingOrder, vfCommandLines } from '../vf-link.ts';
import { askedFor } from '../vf-settings.ts';
import { Errno, type Kernel } from './kernel.ts';

/**
 * `ip link set dev PF vf N …`: the kernel sets one thing after the other and stops at the first that
 * the driver refuses (do_setvfinfo in net/core/rtnetlink.c).
 *
 * @throws HostError
 */
export const setVfs = async (
  kernel: Kernel,
  action: Extract<Action, { kind: 'vf' }>,
): Promise<void> => {
  const lines = vfCommandLines(action);
  for (const [place, { index, ...settings }] of action.vfs.entries()) {
    try {
      await setVf(kernel, action.netdev, index, settings);
    } catch (error) {
      if (!(error instanceof Errno)) throw error;
      const argv = lines[place] ?? ['ip'];
      const said = `RTNETLINK answers: ${describeErrno(error.errno)}`;
      throw new HostError(error.errno, commandLine({ argv }), said);
    }
  }
};

/** Priority and protocol are part of the VLAN. */
const order = settingOrder.filter((name) => name !== 'qos' && name !== 'proto');

const setVf = async (
  kernel: Kernel,
  netdev: string,
  index: number,
  settings: VfAttributes,
): Promise<void> => {
  const pf = await readLinkName(kernel.fs, `${netdevFolder(netdev)}/device`);
  if (pf === undefined) throw new Errno('ENODEV');
  const vf = await readLinkName(kernel.fs, pciAttribute(pf, `virtfn${index}`));
  if (vf === undefined) throw new Errno('EINVAL');
  for (const name of order) {
    if (settings[name] === undefined) continue;
    const errno = await refusal(kernel, netdev, pf, name, settings);
    if (errno !== undefined) throw new Errno(errno);
    const set = name === 'vlan' ? tagOf(settings) : { [name]: settings[name] };
    kernel.vfConfigs.set(vf, { ...kernel.vfConfigs.get(vf), ...set });
  }
};

/** One setting to the kernel (struct ifla_vf_vlan_info). */
const tagOf = ({ vlan = 0, qos = 0, proto = '802.1q' }: VfAttributes): VfAttributes => ({
  vlan,
  qos,
  proto,
});

const refusal = async (
  kernel: Kernel,
  netdev: string,
  pf: string,
  name: (typeof order)[number],
  settings: VfAttributes,
): Promise<string | undefined> => {
  const { fs } = kernel;
  const driver = await readLinkName(fs, pciAttribute(pf, 'driver'));
  const vendor = (await readId(fs, pciAttribute(pf, 'vendor'))) ?? '';
  const device = (await readId(fs, pciAttribute(pf, 'device'))) ?? '';
  const known = knownPfDriver({ vendor, device, ...(driver !== undefined && { driver }) });
  for (const setting of askedFor(settings)) {
    const errno = known?.refuses[setting];
    if (errno !== undefined && partOf[setting] === name) return errno;
  }
  if (name === 'mac' && isMulticast(settings.mac)) return 'EINVAL';
  if (name === 'maxTxRate' && driver === 'igb') return aboveLinkSpeed(kernel, netdev, settings);
  return undefined;
};

/** The request that a setting is part of, where that is not its own. */
const partOf: Readonly<Partial<Record<RefusableSetting, string>>> = {
  ...Object.fromEntries(order.map((name) => [name, name])),
  qos: 'vlan',
  qinq: 'vlan',
};

const isMulticast = (mac = '00'): boolean => (Number.parseInt(mac, 16) & 1) === 1;

/** igb_ndo_set_vf_bw wants the link to be up, and no more than its speed. */
const aboveLinkSpeed = async (
  { fs }: Kernel,
  netdev: string,
  { maxTxRate = 0 }: VfAttributes,
): Promise<string | undefined> => {
  const carrier = await orUnknown(readAttribute(fs, netAttribute(netdev, 'carrier')));
  const speed = await orUnknown(readNumber(fs, netAttribute(netdev, 'speed')));
  return carrier === '1' && maxTxRate <= (speed ?? 0) ? undefined : 'EINVAL';
};
