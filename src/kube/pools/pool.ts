import type { KubeSpec } from '../../resolved-spec.ts';
import { type PhysicalFunction, type VirtualFunction } from '../../sysfs/pci-device.ts';
import { formatIndexes } from './index-ranges.ts';
import type { PoolConfig, SelectorConfig } from './plugin-config.ts';

/** How a pod gets a VF: as a network interface, or as a device for a userspace driver. */
export type PoolKind = 'kernel' | 'vfio';

/** VFs that are interchangeable for a pod, under one extended resource. */
export interface Pool {
  readonly prefix: string;
  readonly name: string;
  readonly kind: PoolKind;
  readonly members: readonly PoolMember[];
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

/**
 * The pools of a node from the VFs that exist. VFs of a userspace driver are a pool of their own,
 * and each PF is one unless a resource name was given: its VFs are on its network and no other.
 * A VF without a driver is in none, as the plugin does not offer it.
 */
export const poolsOf = (
  pfs: readonly PhysicalFunction[],
  spec: Pick<KubeSpec, 'resourcePrefix' | 'resourceName'>,
): readonly Pool[] => {
  const pools = new Map<string, Pool & { members: PoolMember[] }>();
  for (const pf of pfs) {
    for (const vf of pf.vfs) {
      const { driver } = vf;
      if (driver === undefined) continue;
      const kind: PoolKind = userspaceDrivers.has(driver) ? 'vfio' : 'kernel';
      const name = poolName(pf, kind, spec.resourceName);
      const pool = pools.get(name) ?? { prefix: spec.resourcePrefix, name, kind, members: [] };
      pool.members.push({ pf, vf: { ...vf, driver } });
      pools.set(name, pool);
    }
  }
  return [...pools.values()];
};

/** Only what Kubernetes takes in a resource name and a shell in a variable's: `[a-z0-9_]`. */
const poolName = (pf: PhysicalFunction, kind: PoolKind, given: string | undefined): string => {
  const base = given ?? `sriov_${pf.netdev ?? pf.address}`;
  const name = base
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
export const poolConfig = (pool: Pool): PoolConfig => {
  const selectors: SelectorConfig = {
    vendors: unique(pool.members.map(({ vf }) => vf.vendor)),
    devices: unique(pool.members.map(({ vf }) => vf.device)),
    drivers: unique(pool.members.map(({ vf }) => vf.driver)),
    rootDevices: rootDevices(pool.members),
  };
  return { resourcePrefix: pool.prefix, resourceName: pool.name, selectors: [selectors] };
};

/** One item a PF: of two items with the same PF the plugin reads only the first. */
const rootDevices = (members: readonly PoolMember[]): readonly string[] =>
  unique(members.map(({ pf }) => pf.address)).map((address) => {
    const indexes = members.filter(({ pf }) => pf.address === address).map(({ vf }) => vf.index);
    return `${address}#${formatIndexes(indexes)}`;
  });

const unique = (values: readonly string[]): readonly string[] => [...new Set(values)].sort();
