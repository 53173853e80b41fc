import { SriovctlError } from '../../errors.ts';
import type { HostFs } from '../../host.ts';
import type { ResolvedPf, ResolvedSpec } from '../../resolved-spec.ts';
import { normalizePciAddress } from '../../sysfs/pci-address.ts';
import { type PhysicalFunction, readPf } from '../../sysfs/pci-device.ts';
import { kernelDriver, vfSettingsOf } from '../../sysfs/vf-settings.ts';
import { kindOf, type Pool, type PoolPf, type PoolVf, pfNameOf, poolsOf } from './pool.ts';

/** The pools of the wanted PFs: of the VFs that this host has, or of another node's as declared. */
export const readPools = async (spec: ResolvedSpec, fs: HostFs): Promise<readonly Pool[]> => {
  const found: (PoolPf & { readonly netdev?: string })[] = [];
  for (const wanted of spec.pfs.filter(({ vfs }) => vfs > 0)) {
    const pf = spec.elsewhere ? declaredPf(wanted) : await existingPf(fs, wanted);
    if (pf !== undefined) found.push(pf);
  }
  /** As the spec names it, or as this host does. */
  const addressOf = (pool: string, name: string): string => {
    const address =
      spec.pfs.find(({ selector }) => selector === name)?.address ??
      found.find(({ netdev }) => netdev === name)?.address ??
      spec.pfs.find((pf) => pf.address === normalizePciAddress(name))?.address;
    if (address !== undefined) return address;
    throw new SriovctlError(
      'KUBE_POOL_PF',
      `pool ${pool} is of the PF ${name}, which is none of those in the spec`,
      { exit: 'usage', hint: `PFs of the spec: ${spec.pfs.map(pfNameOf).join(', ')}.` },
    );
  };
  const { pools, ...kube } = spec.kube;
  const resolved = pools?.map(({ pfs, ...pool }) => ({
    ...pool,
    ...(pfs !== undefined && { pfs: pfs.map((name) => addressOf(pool.name, name)) }),
  }));
  return poolsOf(found, { ...kube, ...(resolved !== undefined && { pools: resolved }) });
};

/** A VF without a driver is in no pool, as the plugin does not offer it. */
const existingPf = async (
  fs: HostFs,
  wanted: ResolvedPf,
): Promise<(PoolPf & Pick<PhysicalFunction, 'netdev'>) | undefined> => {
  const pf = await readPf(fs, wanted.address);
  return (
    pf && {
      ...pf,
      name: pfNameOf(wanted),
      vfs: pf.vfs
        .filter(({ driver }) => driver !== undefined)
        .map((vf) => ({ ...vf, kind: kindOf(vf.driver) })),
    }
  );
};

/** As many VFs as are wanted, each with the driver that was named; which one the kernel takes is its own. */
export const declaredPf = (wanted: ResolvedPf): PoolPf => ({
  address: wanted.address,
  name: pfNameOf(wanted),
  vfs: Array.from({ length: wanted.vfs }, (_, index): PoolVf => {
    const { driver = kernelDriver } = vfSettingsOf(wanted, index);
    const named = driver === kernelDriver ? undefined : driver;
    return { index, kind: kindOf(named), ...(named !== undefined && { driver: named }) };
  }),
});
