import type { Change } from '../change.ts';
import type { HostFs, HostPath, HostView } from '../host.ts';
import { binding, unbinding } from '../sysfs/binding.ts';
import { netAttribute, pciAttribute } from '../sysfs/paths.ts';
import type { PhysicalFunction, VirtualFunction } from '../sysfs/pci-device.ts';
import { readAttribute, readNumber } from '../sysfs/read.ts';
import { readVfLinks } from '../sysfs/vf-link.ts';
import { nameAwaited } from './vf-netdev.ts';
import { unbindVf } from './vf-unbinding.ts';

/**
 * A driver asks for its VF's MAC when it takes the VF, and never again (igbvf, mlx5). One that gets no
 * answer makes a MAC up, and the PF takes that over from a VF that it trusts (igb_set_vf_mac_addr).
 */
export const planMac = async (
  host: HostView,
  pf: PhysicalFunction,
  vf: VirtualFunction,
  mac: string | undefined,
): Promise<readonly Change[]> => {
  if (mac === undefined || vf.driver === undefined) return [];
  const current = await readAttribute(host.fs, ownNetdevAttribute(vf, 'address'));
  if (current === undefined || current === mac) return [];
  const { netdev = '' } = pf;
  const kept = (await readVfLinks(host, netdev))?.get(vf.index)?.mac;
  const again: Change = {
    action: { kind: 'vf', netdev, vfs: [{ index: vf.index, mac }] },
    reason: `VF ${vf.index} of ${netdev} has made up the MAC ${kept ?? current} and told its PF so`,
  };
  return [
    ...unbindVf(pf, vf, `it takes up the MAC ${mac} when it is bound again`),
    ...(kept === undefined || kept === mac ? [] : [again]),
    {
      action: binding(vf.driver, vf.address),
      reason: `VF ${vf.index} of ${pf.netdev ?? pf.address} takes up the MAC ${mac}`,
      undo: [unbinding(vf.address)],
    },
  ];
};

/** Only once udev has named the netdev: what is written to another name may reach another netdev. */
export const planMtu = async (
  fs: HostFs,
  pf: PhysicalFunction,
  vf: VirtualFunction,
  mtu: number | undefined,
): Promise<readonly Change[]> => {
  if (mtu === undefined || vf.netdev === undefined) return [];
  if ((await nameAwaited(fs, vf, pf)) !== undefined) return [];
  const current = await readNumber(fs, ownNetdevAttribute(vf, 'mtu'));
  if (current === undefined || current === mtu) return [];
  return [
    {
      action: { kind: 'attribute', path: netAttribute(vf.netdev, 'mtu'), value: String(mtu) },
      reason: `the MTU of ${vf.netdev} (VF ${vf.index}) is to be ${mtu}`,
    },
  ];
};

/**
 * Below the VF and not below /sys/class/net: udev renames the netdev meanwhile, and then its old name
 * is nobody's, or that of the next VF.
 */
const ownNetdevAttribute = ({ address, netdev = '' }: VirtualFunction, name: string): HostPath =>
  pciAttribute(address, `net/${netdev}/${name}`);
