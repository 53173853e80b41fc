import { SriovctlError } from '../errors.ts';
import type { HostView } from '../host.ts';
import { findByFormerName } from '../persist/record.ts';
import { listPfs, type PhysicalFunction } from '../sysfs/pci-device.ts';
import { resolvePf } from '../sysfs/resolve-pf.ts';

/** What an entry of `pfs` says of the cards it is for. */
export interface PfChoice {
  readonly pf?: string | undefined;
  readonly match?: PfMatch | undefined;
}

export interface PfMatch {
  readonly vendor?: string | undefined;
  readonly device?: string | undefined;
  readonly driver?: string | undefined;
}

export interface FoundPf {
  readonly address: string;
  /** As the user gave it, or the name it has on this host. */
  readonly selector: string;
}

/**
 * Finds the PFs of every entry. A `match` stands for those of its kind that are not named by an
 * entry of their own, so that one card can be set up unlike all the others.
 *
 * @throws SriovctlError of resolvePf, or PF_NOT_FOUND (exit `refused`) for a match without any.
 */
export const selectPfs = async <T extends PfChoice>(
  choices: readonly T[],
  host: HostView,
): Promise<readonly (readonly [choice: T, found: FoundPf])[]> => {
  const named = new Map<T, FoundPf>();
  for (const choice of choices) {
    if (choice.pf === undefined) continue;
    const address = await findPf(host, choice.pf);
    named.set(choice, { address, selector: choice.pf });
  }
  const taken = new Set([...named.values()].map(({ address }) => address));
  const matching = choices.some(({ match }) => match !== undefined);
  const all = matching ? await listPfs(host.fs) : [];
  return choices.flatMap((choice) => {
    const own = named.get(choice);
    if (own !== undefined) return [[choice, own] as const];
    return pfsOfKind(all, choice.match ?? {})
      .filter(({ address }) => !taken.has(address))
      .map(({ address, netdev }) => [choice, { address, selector: netdev ?? address }] as const);
  });
};

/** Somebody else may have a name now that was this PF's: what it means today comes first. */
const findPf = async (host: HostView, selector: string): Promise<string> => {
  try {
    return await resolvePf(host, selector);
  } catch (error) {
    const former = await findByFormerName(host, selector);
    if (former === undefined) throw error;
    return former;
  }
};

const pfsOfKind = (
  all: readonly PhysicalFunction[],
  match: PfMatch,
): readonly PhysicalFunction[] => {
  const { vendor, device, driver } = match;
  const fits = (wanted: string | undefined, is: string | undefined): boolean =>
    wanted === undefined || wanted.toLowerCase().replace(/^0x/, '') === is;
  const found = all.filter(
    (pf) =>
      fits(vendor, pf.vendor) &&
      fits(device, pf.device) &&
      (driver === undefined || driver === pf.driver),
  );
  if (found.length > 0) return found;
  const words = Object.entries(match).map(([key, value]) => `${key} ${String(value)}`);
  const kinds = all.map(
    (pf) => `${pf.netdev ?? pf.address} (${pf.vendor}:${pf.device}, ${pf.driver ?? 'no driver'})`,
  );
  throw new SriovctlError('PF_NOT_FOUND', `there is no PF with ${words.join(' and ')}`, {
    exit: 'refused',
    hint:
      kinds.length === 0
        ? 'This host has no network card with SR-IOV.'
        : `PFs of this host: ${kinds.join(', ')}.`,
  });
};
