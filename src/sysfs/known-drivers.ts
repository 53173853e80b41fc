import { type KnownDriver, knownDrivers } from './known-driver-table.ts';

/** The row for a PF by its driver and ids; one driver may have several families. */
export const knownPfDriver = (pf: {
  readonly vendor: string;
  readonly device: string;
  readonly driver?: string;
}): KnownDriver | undefined =>
  knownDrivers.find(
    (row) =>
      (pf.driver === undefined || row.driver === pf.driver) &&
      row.vendor === pf.vendor &&
      hasId(row.pfs, pf.device),
  ) ?? knownDrivers.find(({ driver }) => driver === pf.driver);

/** The driver of a VF by its ids, where no module of the host says that it drives it. */
export const knownVfDriver = (vendor: string, device: string): KnownDriver | undefined =>
  knownDrivers.find((row) => row.vendor === vendor && hasId(row.vfs, device));

/** What makes a card's firmware offer this many VFs; `undefined` where that is its setup's business. */
export const firmwareRemedy = (
  pf: Parameters<typeof knownPfDriver>[0] & { readonly address: string },
  count: number,
): string | undefined => knownPfDriver(pf)?.firmware?.(pf.address, count);

/** Where the kernel's source keeps a driver of VFs. */
export const sourceOfVfDriver = (driver: string): string | undefined =>
  knownDrivers.find(({ vfDriver }) => vfDriver === driver)?.source;

const hasId = (ids: readonly string[], id: string): boolean =>
  ids.some((pattern) => new RegExp(`^${pattern.replaceAll('x', '[0-9a-f]')}$`).test(id));
