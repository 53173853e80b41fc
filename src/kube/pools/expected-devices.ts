import type { HostFs } from '../../host.ts';
import { netdevOf } from '../../sysfs/netdev.ts';
import { netAttribute, pciAttribute } from '../../sysfs/paths.ts';
import {
  isNetworkFunction,
  listPciAddresses,
  listVfIndexes,
  physfnOf,
} from '../../sysfs/pci-device.ts';
import { orUnknown, readAttribute, readId, readLinkName, readNumber } from '../../sysfs/read.ts';
import { countIndexes, includesIndex } from './index-ranges.ts';
import type { PluginConfig, PoolConfig, SelectorConfig } from './plugin-config.ts';
import { resourceOf } from './pool.ts';

/**
 * The devices that the plugin will register for each resource, by its own rules
 * (pkg/netdevice/netDeviceProvider.go and pkg/resources of v3.11.0): PFs without VFs are candidates
 * too, the first selector that matches takes a device, and what was taken is not offered again.
 * A resource whose selectors ask for what sysfs does not tell is left out.
 */
export const expectedDevices = async (
  fs: HostFs,
  config: PluginConfig,
): Promise<ReadonlyMap<string, readonly string[]>> => {
  const candidates = await listCandidates(fs);
  const taken = new Set<string>();
  const expected = new Map<string, readonly string[]>();
  for (const pool of config.resourceList) {
    const matching = candidates.filter(
      (candidate) => !taken.has(candidate.address) && matchesAny(pool, candidate),
    );
    for (const { address } of matching) taken.add(address);
    if (isPredictable(pool)) {
      const name = resourceOf({ prefix: pool.resourcePrefix, name: pool.resourceName });
      expected.set(
        name,
        matching.map(({ address }) => address),
      );
    }
  }
  return expected;
};

interface Candidate {
  readonly address: string;
  readonly vendor: string;
  readonly device: string;
  readonly driver: string;
  readonly acpiIndex: string | undefined;
  readonly linkType: string | undefined;
  readonly rdma: boolean;
  /** Missing for a function that is no VF: it never matches a PF. */
  readonly vf: { readonly pf: string; readonly pfName: string; readonly index: number } | undefined;
}

const listCandidates = async (fs: HostFs): Promise<readonly Candidate[]> => {
  const found: Candidate[] = [];
  for (const address of await listPciAddresses(fs)) {
    if (!(await isNetworkFunction(fs, address))) continue;
    if ((await listVfIndexes(fs, address)).length > 0) continue;
    const driver = await readLinkName(fs, pciAttribute(address, 'driver'));
    if (driver !== undefined) found.push(await readCandidate(fs, address, driver));
  }
  return found;
};

const readCandidate = async (fs: HostFs, address: string, driver: string): Promise<Candidate> => {
  const pf = await physfnOf(fs, address);
  const pfName = pf === undefined ? undefined : await netdevOf(fs, pf);
  const netdev = (await netdevOf(fs, address)) ?? pfName;
  const type =
    netdev === undefined
      ? undefined
      : await orUnknown(readNumber(fs, netAttribute(netdev, 'type')));
  return {
    address,
    vendor: (await readId(fs, pciAttribute(address, 'vendor'))) ?? '',
    device: (await readId(fs, pciAttribute(address, 'device'))) ?? '',
    driver,
    acpiIndex: await orUnknown(readAttribute(fs, pciAttribute(address, 'acpi_index'))),
    linkType: type === undefined ? undefined : linkTypes[type],
    rdma: ((await fs.list(pciAttribute(address, 'infiniband'))) ?? []).length > 0,
    vf:
      pf === undefined
        ? undefined
        : { pf, pfName: pfName ?? '', index: await indexOf(fs, pf, address) },
  };
};

/** ARP hardware types (include/uapi/linux/if_arp.h), by netlink's names. */
const linkTypes: Readonly<Record<number, string>> = { 1: 'ether', 32: 'infiniband' };

const indexOf = async (fs: HostFs, pf: string, address: string): Promise<number> => {
  for (const index of await listVfIndexes(fs, pf)) {
    if ((await readLinkName(fs, pciAttribute(pf, `virtfn${index}`))) === address) return index;
  }
  return -1;
};

const matchesAny = (pool: PoolConfig, candidate: Candidate): boolean =>
  (pool.deviceType ?? 'netDevice') === 'netDevice' &&
  pool.selectors.some((selector) => matches(selector, candidate));

const matches = (selector: SelectorConfig, candidate: Candidate): boolean =>
  allows(selector.vendors, candidate.vendor) &&
  allows(selector.devices, candidate.device) &&
  allows(selector.drivers, candidate.driver) &&
  allows(selector.pciAddresses, candidate.address) &&
  allows(selector.acpiIndexes, candidate.acpiIndex) &&
  allowsPf(selector.pfNames, candidate.vf?.pfName, candidate.vf?.index) &&
  allowsPf(selector.rootDevices, candidate.vf?.pf, candidate.vf?.index) &&
  allows(selector.linkTypes, candidate.linkType) &&
  (selector.isRdma !== true || candidate.rdma);

const allows = (wanted: readonly string[] | undefined, value: string | undefined): boolean =>
  wanted === undefined || wanted.length === 0 || (value !== undefined && wanted.includes(value));

/** Of several items for one PF only the first counts. */
const allowsPf = (
  wanted: readonly string[] | undefined,
  pf: string | undefined,
  index: number | undefined,
): boolean => {
  if (wanted === undefined || wanted.length === 0) return true;
  if (pf === undefined || pf === '' || index === undefined) return false;
  for (const item of wanted) {
    const [base = '', spec, ...more] = item.split('#');
    if (base.toLowerCase() !== pf.toLowerCase()) continue;
    return more.length === 0 && (spec === undefined || includesIndex(spec, index));
  }
  return false;
};

const isPredictable = ({ deviceType = 'netDevice', selectors }: PoolConfig): boolean =>
  deviceType === 'netDevice' &&
  selectors.every(
    ({ ddpProfiles = [], pKeys = [], vdpaType }) =>
      ddpProfiles.length === 0 && pKeys.length === 0 && vdpaType === undefined,
  );

/** How many VFs a configuration names by their indexes: all that is known of another node's. */
export const declaredCounts = ({ resourceList }: PluginConfig): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const { resourcePrefix: prefix, resourceName: name, selectors } of resourceList) {
    const items = selectors.map(({ rootDevices = [], pfNames = [] }) =>
      rootDevices.length > 0 ? rootDevices : pfNames,
    );
    const ranges = items.flat().map((item) => item.split('#')[1]);
    if (items.some(({ length }) => length === 0) || ranges.includes(undefined)) continue;
    const count = ranges.reduce((sum, range = '') => sum + countIndexes(range), 0);
    counts.set(resourceOf({ prefix, name }), count);
  }
  return counts;
};
