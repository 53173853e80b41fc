import { SriovctlError } from '../../errors.ts';
import type { KubeSpec, PoolSpec, ResolvedPf } from '../../resolved-spec.ts';
import { isUserspaceDriver } from '../../sysfs/vf-settings.ts';
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
  /** What is known of the VFs together where their own ids and drivers are not. */
  readonly known?: Pick<SelectorConfig, 'vendors' | 'devices' | 'drivers'>;
}

export interface PoolMember {
  readonly pf: Omit<PoolPf, 'vfs'>;
  readonly vf: PoolVf;
}

/** A PF as pools see it. */
export interface PoolPf {
  readonly address: string;
  /** What its pool is named after. */
  readonly name: string;
  readonly vfs: readonly PoolVf[];
}

/** A VF as pools see it; of another node than this host its place and kind alone are known. */
export interface PoolVf {
  readonly index: number;
  readonly kind: PoolKind;
  readonly address?: string;
  readonly vendor?: string;
  readonly device?: string;
  readonly driver?: string;
  readonly iommuGroup?: string;
}

/** @throws SriovctlError VF_ADDRESSES_UNKNOWN for a pool of another node, of which only indexes are declared. */
export const addressesOf = ({ members }: Pool): readonly string[] =>
  members.map(({ pf, vf }) => {
    if (vf.address !== undefined) return vf.address;
    throw new SriovctlError(
      'VF_ADDRESSES_UNKNOWN',
      `the addresses of the VFs of ${pf.address} are not known on this host`,
      {
        exit: 'refused',
        hint: 'A DRA driver is told addresses: run it on the node, or render it from a captured tree of the node (--simulate DIR).',
      },
    );
  });

/** The extended resource as pods request it. */
export const resourceOf = ({ prefix, name }: Pick<Pool, 'prefix' | 'name'>): string =>
  `${prefix}/${name}`;

export const kindOf = (driver: string | undefined): PoolKind =>
  isUserspaceDriver(driver) ? 'vfio' : 'kernel';

/** What the pools are made by; PFs in pools are named by their addresses. */
export type PoolSettings = Pick<KubeSpec, 'resourcePrefix' | 'resourceName' | 'pools'>;

/**
 * The pools of a node. VFs of a userspace driver are a pool of their own, and each PF is one unless
 * a resource name was given: its VFs are on its network and no other.
 */
export const poolsOf = (pfs: readonly PoolPf[], settings: PoolSettings): readonly Pool[] => {
  const members = pfs.flatMap((pf) => pf.vfs.map((vf): PoolMember => ({ pf, vf })));
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
    const { kind } = member.vf;
    const name = poolName(member.pf.name, kind, resourceName);
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
  const kinds = new Set(own.map(({ vf }) => vf.kind));
  if (kinds.size > 1) {
    const drivers = unique(own.map(({ vf: { driver, kind } }) => driver ?? kind)).join(' and ');
    throw new SriovctlError('KUBE_POOL_MIXED', `pool ${name} mixes VFs of ${drivers}`, {
      hint: 'A pod asks for one VF and has to know what it gets: make a pool for each, with `vfs`.',
      exit: 'refused',
    });
  }
  const [kind = 'kernel'] = kinds;
  return { prefix, name, kind, members: own, options };
};

/** A PF is called as the spec calls it, so that its pool has one name wherever it is worked out. */
export const pfNameOf = ({ address, selector }: ResolvedPf): string =>
  /[:.]/.test(selector) ? address : selector;

/** Only what Kubernetes takes in a resource name and a shell in a variable's: `[a-z0-9_]`. */
export const poolName = (pfName: string, kind: PoolKind, given: string | undefined): string => {
  const name = (given ?? `sriov_${pfName}`)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');
  return kind === 'vfio' ? `${name}_vfio` : name;
};

/**
 * The pool in the device plugin's words. `rootDevices` depends on the physfn link alone: a PF, which
 * has none, can never be counted, and no rename changes it. The driver list keeps VFs out that are
 * half bound, and VFs that were rebound from moving between pools. A list that leaves a VF out would
 * leave it out of the pool: what is not known of all of them is not asked for.
 */
export const poolConfig = ({ prefix, name, members, options, known }: Pool): PoolConfig => {
  const selectors: SelectorConfig = {
    ...known,
    ...list('vendors', members, ({ vendor }) => vendor),
    ...list('devices', members, ({ device }) => device),
    ...list('drivers', members, ({ driver }) => driver),
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

const list = (
  key: keyof SelectorConfig,
  members: readonly PoolMember[],
  value: (vf: PoolVf) => string | undefined,
): SelectorConfig => {
  const values = members.map(({ vf }) => value(vf));
  return values.every((one) => one !== undefined) ? { [key]: unique(values) } : {};
};

/** One item a PF: of two items with the same PF the plugin reads only the first. */
const rootDevices = (members: readonly PoolMember[]): readonly string[] =>
  unique(members.map(({ pf }) => pf.address)).map((address) => {
    const indexes = members.filter(({ pf }) => pf.address === address).map(({ vf }) => vf.index);
    return `${address}#${formatIndexes(indexes)}`;
  });

const unique = (values: readonly string[]): readonly string[] => [...new Set(values)].sort();
