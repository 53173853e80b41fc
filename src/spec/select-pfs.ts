import { SriovctlError } from '../errors.ts';
import type { HostView } from '../host.ts';
import { findByFormerName, gonePfs, type RecordedPf } from '../persist/record.ts';
import { normalizePciAddress } from '../sysfs/pci-address.ts';
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

/**
 * Splits off what only the record knows: the entries that mean a PF of this host, and the addresses of
 * those PFs that the others mean, which were set up and whose cards are gone.
 */
export const withoutGone = async <T extends PfChoice>(
  choices: readonly T[],
  host: HostView,
): Promise<{ readonly present: readonly T[]; readonly gone: readonly string[] }> => {
  const recorded = await gonePfs(host);
  const present: T[] = [];
  const gone = new Set<string>();
  for (const choice of choices) {
    const meant = recorded.filter((pf) => wasMeant(choice, pf));
    for (const { identity } of meant) gone.add(identity.address);
    if (meant.length === 0 || (await isFound(choice, host))) present.push(choice);
  }
  return { present, gone: [...gone] };
};

const wasMeant = ({ pf, match }: PfChoice, { identity, names }: RecordedPf): boolean => {
  const { address, vendor, device, mac, module } = identity;
  if (pf === undefined) return fits(match ?? {}, { vendor, device, driver: module });
  return names.includes(pf) || normalizePciAddress(pf) === address || pf.toLowerCase() === mac;
};

const isFound = async (choice: PfChoice, host: HostView): Promise<boolean> => {
  try {
    return (await selectPfs([choice], host)).length > 0;
  } catch (error) {
    if (error instanceof SriovctlError) return false;
    throw error;
  }
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

const fits = (
  { vendor, device, driver }: PfMatch,
  pf: { readonly vendor: string; readonly device: string; readonly driver?: string },
): boolean => {
  const same = (wanted: string | undefined, is: string): boolean =>
    wanted === undefined || wanted.toLowerCase().replace(/^0x/, '') === is;
  const driven = driver === undefined || driver === pf.driver;
  return same(vendor, pf.vendor) && same(device, pf.device) && driven;
};

const pfsOfKind = (
  all: readonly PhysicalFunction[],
  match: PfMatch,
): readonly PhysicalFunction[] => {
  const found = all.filter((pf) => fits(match, pf));
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
