import type { HostFs, HostPath, HostView, VfAttributes } from '../host.ts';
import { queryLink } from './ip-link.ts';
import { moduleFolder, netAttribute, pciAttribute } from './paths.ts';
import type { PhysicalFunction } from './pci-device.ts';
import { readPciIds } from './pci-ids.ts';
import { orUnknown, readAttribute, readId, readLinkName } from './read.ts';
import { vfAttributes } from './vf-link.ts';
import { settingWords } from './vf-settings.ts';

/** A fact with its name; one that the host does not say is `undefined` or empty. */
type Fact = readonly [name: string, value: string | undefined];

/**
 * What `ethtool -i`, `lspci -vmm` and `ip link` would say of a PF besides what a list shows, from
 * sysfs, `ip` and `ethtool`; what the host does not say is left out.
 */
export const readPfDetails = async (
  host: HostView,
  pf: PhysicalFunction,
): Promise<Readonly<Record<string, string>>> => {
  const port = pf.netdev === undefined ? [] : await portFacts(host, pf.netdev);
  const facts = [...(await cardFacts(host, pf)), ...(await sriovFacts(host, pf)), ...port];
  return Object.fromEntries(
    facts.filter(
      (fact): fact is readonly [string, string] => fact[1] !== undefined && fact[1] !== '',
    ),
  );
};

const cardFacts = async ({ fs }: HostView, pf: PhysicalFunction): Promise<readonly Fact[]> => {
  const pci = attributesOf(fs, (name) => pciAttribute(pf.address, name));
  return [
    ['class', await className(fs, pf.address)],
    ['revision', await pci('revision')],
    ['subsystem', await subsystem(fs, pf)],
    ['PCIe link', joined(' x', await pci('current_link_speed'), await pci('current_link_width'))],
    ['PCIe link at most', joined(' x', await pci('max_link_speed'), await pci('max_link_width'))],
    ['local CPUs', await pci('local_cpulist')],
    ['alias', await pci('modalias')],
    ['module', await readLinkName(fs, `${pciAttribute(pf.address, 'driver')}/module`)],
    ['driver version', await driverVersion(fs, pf)],
  ];
};

const driverVersion = async (
  fs: HostFs,
  { driver }: PhysicalFunction,
): Promise<string | undefined> =>
  driver === undefined
    ? undefined
    : orUnknown(readAttribute(fs, `${moduleFolder(driver)}/version`));

const portFacts = async (host: HostView, netdev: string): Promise<readonly Fact[]> => {
  const net = attributesOf(host.fs, (name) => netAttribute(netdev, name));
  const link = await queryLink(host, netdev);
  const speed = await net('speed');
  return [
    ['firmware version', await firmware(host, netdev)],
    ['permanent MAC', link?.permaddr],
    ['other names', link?.altnames.join(', ')],
    ['state', await net('operstate')],
    ['speed', speed === undefined || speed.startsWith('-') ? undefined : `${speed} Mbit/s`],
    ['MTU', await net('mtu')],
    ['queue length', await net('tx_queue_len')],
    ['queueing discipline', link?.qdisc],
    ['queues', await queues(host, netdev)],
    ...(link?.vfinfo_list ?? []).map(
      (info): Fact => [`VF ${info.vf}`, vfWords(vfAttributes(info))],
    ),
  ];
};

const sriovFacts = async (
  { fs }: HostView,
  { address, vendor, sriov: { offset, stride, vfDevice, autoprobe } }: PhysicalFunction,
): Promise<readonly Fact[]> => {
  const pci = attributesOf(fs, (name) => pciAttribute(address, name));
  return [
    ['ARI', yesOrNo(await pci('ari_enabled'))],
    ['VF id', vfDevice === undefined ? undefined : `${vendor}:${vfDevice}`],
    ['VF offset, stride', joined(', ', offset?.toString(), stride?.toString())],
    ['VF autoprobe', autoprobe === undefined ? undefined : autoprobe ? 'yes' : 'no'],
    ['MSI-X vectors for VFs', await pci('sriov_vf_total_msix')],
  ];
};

const attributesOf =
  (fs: HostFs, pathOf: (name: string) => HostPath) =>
  (name: string): Promise<string | undefined> =>
    orUnknown(readAttribute(fs, pathOf(name)));

const className = async (fs: HostFs, address: string): Promise<string | undefined> => {
  const id = await orUnknown(readId(fs, pciAttribute(address, 'class')));
  if (id === undefined) return undefined;
  return [(await readPciIds(fs)).class(id), `[${id.slice(0, 4)}]`].filter(Boolean).join(' ');
};

const subsystem = async (
  fs: HostFs,
  { address, vendor, device }: PhysicalFunction,
): Promise<string | undefined> => {
  const id = (name: string): Promise<string | undefined> =>
    orUnknown(readId(fs, pciAttribute(address, name)));
  const subVendor = await id('subsystem_vendor');
  const subDevice = await id('subsystem_device');
  if (subVendor === undefined || subDevice === undefined) return undefined;
  const name = (await readPciIds(fs)).subsystem({ vendor, device, subVendor, subDevice });
  return [name, `[${subVendor}:${subDevice}]`].filter(Boolean).join(' ');
};

/** Only the driver knows it; ethtool asks by ioctl (ETHTOOL_GDRVINFO). */
const firmware = async (host: HostView, netdev: string): Promise<string | undefined> => {
  const answer = await host.query({ argv: ['ethtool', '-i', netdev] });
  if (!answer.ran || answer.exitCode !== 0) return undefined;
  return /^firmware-version: (.*\S)/m.exec(answer.stdout)?.[1];
};

/** What the PF's driver keeps for a VF; what is as nobody ever set it is left out. */
const vfWords = (attributes: VfAttributes): string =>
  Object.entries(attributes)
    .filter(([key, value]) => value !== 0 && (key !== 'proto' || value !== '802.1q'))
    .map(([key, value]) => {
      const word = settingWords[key as keyof VfAttributes];
      return `${word} ${typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value)}`;
    })
    .join(', ');

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
