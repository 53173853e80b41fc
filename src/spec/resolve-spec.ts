import { SriovctlError } from '../errors.ts';
import type { HostPath, HostView } from '../host.ts';
import type { ResolvedPf, ResolvedSpec } from '../resolved-spec.ts';
import { normalizePciAddress } from '../sysfs/pci-address.ts';
import type { NodeSpec } from './node-spec.ts';
import { type FoundPf, selectPfs, withoutGone } from './select-pfs.ts';
import { resolveOptions } from './vf-settings.ts';

type PfEntry = NodeSpec['pfs'][number];

/** Finds every PF on the host; two selectors may not mean the same one. */
export const resolveSpec = async (spec: NodeSpec, host: HostView): Promise<ResolvedSpec> =>
  resolved(spec, await selectPfs(spec.pfs, host));

/** The same for a teardown, which is also about PFs that were set up and whose cards are gone. */
export const resolveWithGone = async (spec: NodeSpec, host: HostView): Promise<ResolvedSpec> => {
  const { present, gone } = await withoutGone(spec.pfs, host);
  const found = await resolveSpec({ ...spec, pfs: [...present] }, host);
  return gone.length === 0 ? found : { ...found, gone };
};

/** The spec of a node that is not this host: there is nothing to look its PFs up in. */
export const declareSpec = (spec: NodeSpec): ResolvedSpec => ({
  ...resolved(
    spec,
    spec.pfs.map((entry) => [entry, declaredPf(entry)]),
  ),
  elsewhere: true,
});

/** @throws SriovctlError PF_ELSEWHERE (exit `usage`): what has a name, a MAC or an id there is not known here. */
const declaredPf = ({ pf, match }: PfEntry): FoundPf => {
  const address = pf === undefined ? undefined : normalizePciAddress(pf);
  if (pf !== undefined && address !== undefined) return { address, selector: pf };
  throw new SriovctlError(
    'PF_ELSEWHERE',
    `which PF ${pf ?? JSON.stringify(match)} is on another node cannot be looked up from here`,
    {
      exit: 'usage',
      hint: 'Name its PFs by PCI address (`sriovctl list` on the node shows them), run it on the node, or give a captured tree of the node with --simulate DIR.',
    },
  );
};

const resolved = (
  spec: NodeSpec,
  found: readonly (readonly [entry: PfEntry, pf: FoundPf])[],
): ResolvedSpec => {
  const pfs: ResolvedPf[] = [];
  for (const [entry, { address, selector }] of found) {
    const same = pfs.find((pf) => pf.address === address);
    if (same !== undefined) {
      throw new SriovctlError(
        'PF_GIVEN_TWICE',
        `${same.selector} and ${selector} are the same PF (${address})`,
        { exit: 'usage', hint: 'Name each PF once.' },
      );
    }
    pfs.push({ address, selector, vfs: entry.vfs, ...resolveOptions(entry) });
  }
  return {
    pfs,
    iommu: spec.iommu,
    ...(spec.boot !== undefined && { boot: given(spec.boot) }),
    ...(spec.driverSource !== undefined && { driverSource: spec.driverSource as HostPath }),
    ...(spec.persist !== undefined && { persist: spec.persist }),
    kube: spec.kube,
  };
};

/** What zod leaves out it may also give as undefined, which the resolved types do not take. */
const given = <T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
