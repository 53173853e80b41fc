import { SriovctlError } from '../../errors.ts';
import type { KubeSpec, PoolSpec } from '../../resolved-spec.ts';
import type { PhysicalFunction, VirtualFunction } from '../../sysfs/pci-device.ts';
import { formatIndexes, includesIndex } from './index-ranges.ts';
import type { PoolConfig, SelectorConfig } from './plugin-config.ts';

/** How a pod gets a VF: as a network interface, or as a device for a userspace driver. */
export type PoolKind = 'kernel' | 'vfio';

/** VFs that are interchangeable for a pod, under one extended resource. */
export interface Pool {
  readonly prefix: string;
  readonly name: string;
  readonly kind: PoolKind;
  readonly members: readonly PoolMember[];
  readonly options: Pick<PoolSpec, 'rdma' | 'vhostNet' | 'excludeTopology'>;
}

export interface PoolMember {
  readonly pf: Pick<PhysicalFunction, 'address' | 'netdev'>;
  readonly vf: VirtualFunction & { readonly driver: string };
}

/** The extended resource as pods request it. */
export const resourceOf = ({ prefix, name }: Pick<Pool, 'prefix' | 'name'>): string =>
  `${prefix}/${name}`;

/** Drivers that give a VF to userspace: no netdev, a character device instead. */
const userspaceDrivers = new Set(['vfio-pci', 'uio_pci_generic', 'igb_uio']);

export const kindOf = (driver: string): PoolKind =>
  userspaceDrivers.has(driver) ? 'vfio' : 'kernel';

/** What the pools are made by; PFs in pools are named by their addresses. */
export type PoolSettings = Pick<KubeSpec, 'resourcePrefix' | 'resourceName' | 'pools'>;

/**
 * The pools of a node from the VFs that exist. VFs of a userspace driver are a pool of their own,
 * and each PF is one unless a resource name was given: its VFs are on its network and no other.
 * A VF without a driver is in none, as the plugin does not offer it.
 */
export const poolsOf = (
  pfs: readonly PhysicalFunction[],
  settings: PoolSettings,
): readonly Pool[] => {
  const members = pfs.flatMap((pf) =>
    pf.vfs.flatMap((vf): readonly PoolMember[] =>
      vf.driver === undefined ? [] : [{ pf, vf: { ...vf, driver: vf.driver } }],
    ),
  );
  const pools =
    settings.pools === undefined
      ? derivedPools(members, settings)
      : settings.pools.map((pool) => givenPool(members, pool, settings));
  return pools.filter((pool) => pool.members.length > 0);
};

const derivedPools = (
  members: readonly PoolMember[],
  { resourcePrefix: prefix, resourceName }: PoolSettings,
): readonly Pool[] => {
  const pools = new Map<string, Pool & { members: PoolMember[] }>();
  for (const member of members) {
    const kind = kindOf(member.vf.driver);
    const name = poolName(member.pf, kind, resourceName);
    const pool = pools.get(name) ?? { prefix, name, kind, members: [], options: {} };
    pool.members.push(member);
    pools.set(name, pool);
  }
  return [...pools.values()];
};

const givenPool = (
  members: readonly PoolMember[],
  { name, pfs, vfs, ...options }: PoolSpec,
  { resourcePrefix: prefix }: PoolSettings,
): Pool => {
  const own = members.filter(
    ({ pf, vf }) =>
      (pfs === undefined || pfs.includes(pf.address)) &&
      (vfs === undefined || includesIndex(vfs, vf.index)),
  );
  const kinds = new Set(own.map(({ vf }) => kindOf(vf.driver)));
  if (kinds.size > 1) {
    const drivers = unique(own.map(({ vf }) => vf.driver)).join(' and ');
    throw new SriovctlError('KUBE_POOL_MIXED', `pool ${name} mixes VFs of ${drivers}`, {
      hint: 'A pod asks for one VF and has to know what it gets: make a pool for each, with `vfs`.',
      exit: 'refused',
    });
  }
  const [kind = 'kernel'] = kinds;
  return { prefix, name, kind, members: own, options };
};

/** Only what Kubernetes takes in a resource name and a shell in a variable's: `[a-z0-9_]`. */
export const poolName = (
  pf: PoolMember['pf'],
  kind: PoolKind,
  given: string | undefined,
): string => {
  const name = (given ?? `sriov_${pf.netdev ?? pf.address}`)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');
  return kind === 'vfio' ? `${name}_vfio` : name;
};

/**
 * The pool in the device plugin's words. `rootDevices` depends on the physfn link alone: a PF, which
 * has none, can never be counted, and no rename changes it. The driver list keeps VFs out that are
 * half bound, and VFs that were rebound from moving between pools.
 */
export const poolConfig = ({ prefix, name, members, options }: Pool): PoolConfig => {
  const selectors: SelectorConfig = {
    vendors: unique(members.map(({ vf }) => vf.vendor)),
    devices: unique(members.map(({ vf }) => vf.device)),
    drivers: unique(members.map(({ vf }) => vf.driver)),
    rootDevices: rootDevices(members),
    ...(options.rdma === true && { isRdma: true }),
    ...(options.vhostNet === true && { needVhostNet: true }),
  };
  return {
    resourcePrefix: prefix,
    resourceName: name,
    ...(options.excludeTopology === true && { excludeTopology: true }),
    selectors: [selectors],
  };
};

/** One item a PF: of two items with the same PF the plugin reads only the first. */
const rootDevices = (members: readonly PoolMember[]): readonly string[] =>
  unique(members.map(({ pf }) => pf.address)).map((address) => {
    const indexes = members.filter(({ pf }) => pf.address === address).map(({ vf }) => vf.index);
    return `${address}#${formatIndexes(indexes)}`;
  });

const unique = (values: readonly string[]): readonly string[] => [...new Set(values)].sort();
