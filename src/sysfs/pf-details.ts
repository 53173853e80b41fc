import type { HostPath, HostView } from '../host.ts';
import { queryLink } from './ip-link.ts';
import { moduleFolder, netAttribute, pciAttribute } from './paths.ts';
import type { PhysicalFunction } from './pci-device.ts';
import { orUnknown, readAttribute, readLinkName } from './read.ts';

/**
 * What `ethtool -i`, `lspci -vmm` and `ip link` would say of a PF besides what a list shows, from
 * sysfs and from `ip`; what the host does not say is left out.
 */
export const readPfDetails = async (
  host: HostView,
  pf: PhysicalFunction,
): Promise<Readonly<Record<string, string>>> => {
  const read = async (path: HostPath): Promise<string | undefined> =>
    orUnknown(readAttribute(host.fs, path));
  const pci = (name: string): Promise<string | undefined> => read(pciAttribute(pf.address, name));
  const net = async (name: string): Promise<string | undefined> =>
    pf.netdev === undefined ? undefined : read(netAttribute(pf.netdev, name));
  const link = pf.netdev === undefined ? undefined : await queryLink(host, pf.netdev);
  const speed = await net('speed');
  const { offset, stride, vfDevice, autoprobe } = pf.sriov;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['class', await pci('class')],
    ['revision', await pci('revision')],
    ['subsystem', joined(':', await pci('subsystem_vendor'), await pci('subsystem_device'))],
    ['PCIe link', joined(' x', await pci('current_link_speed'), await pci('current_link_width'))],
    ['PCIe link at most', joined(' x', await pci('max_link_speed'), await pci('max_link_width'))],
    ['module', await readLinkName(host.fs, `${pciAttribute(pf.address, 'driver')}/module`)],
    [
      'driver version',
      pf.driver === undefined ? undefined : await read(`${moduleFolder(pf.driver)}/version`),
    ],
    ['alias', await pci('modalias')],
    ['permanent MAC', link?.permaddr],
    ['other names', link?.altnames.join(', ')],
    ['state', await net('operstate')],
    ['speed', speed === undefined || speed.startsWith('-') ? undefined : `${speed} Mbit/s`],
    ['MTU', await net('mtu')],
    ['queues', pf.netdev === undefined ? undefined : await queues(host, pf.netdev)],
    ['local CPUs', await pci('local_cpulist')],
    ['ARI', yesOrNo(await pci('ari_enabled'))],
    ['VF id', vfDevice === undefined ? undefined : `${pf.vendor}:${vfDevice}`],
    ['VF offset, stride', joined(', ', offset?.toString(), stride?.toString())],
    ['VF autoprobe', autoprobe === undefined ? undefined : autoprobe ? 'yes' : 'no'],
    ['MSI-X vectors for VFs', await pci('sriov_vf_total_msix')],
  ];
  return Object.fromEntries(
    facts.filter(
      (fact): fact is readonly [string, string] => fact[1] !== undefined && fact[1] !== '',
    ),
  );
};

const queues = async ({ fs }: HostView, netdev: string): Promise<string | undefined> => {
  const names = await orUnknown(fs.list(netAttribute(netdev, 'queues')));
  if (names === undefined) return undefined;
  const count = (kind: string): number => names.filter((name) => name.startsWith(kind)).length;
  return `${count('rx-')} rx, ${count('tx-')} tx`;
};

const joined = (between: string, ...parts: readonly (string | undefined)[]): string | undefined =>
  parts.includes(undefined) ? undefined : parts.join(between);

const yesOrNo = (flag: string | undefined): string | undefined =>
  flag === undefined ? undefined : flag === '1' ? 'yes' : 'no';
