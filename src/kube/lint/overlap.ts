import { type Pool, type PoolMember, resourceOf } from '../pools/pool.ts';
import { type Finding, finding } from './finding.ts';

/** VFs that several pools ask for: the first pool in the list gets them, and the others fewer. */
export const lintOverlap = (pools: readonly Pool[]): readonly Finding[] => {
  const owners = new Map<string, string>();
  return pools.flatMap((pool) => {
    const resource = resourceOf(pool);
    const vfs = pool.members.map(vfName);
    const shared = vfs.filter((vf) => owners.has(vf));
    const [first] = shared;
    const owner = first === undefined ? undefined : owners.get(first);
    for (const vf of vfs) if (!owners.has(vf)) owners.set(vf, resource);
    return owner === undefined
      ? []
      : [
          finding(
            `${resource} and ${owner} both ask for ${shared.join(', ')}`,
            'Give the pools VF ranges that do not overlap.',
          ),
        ];
  });
};

const vfName = ({ pf, vf }: PoolMember): string => vf.address ?? `VF ${vf.index} of ${pf.address}`;
