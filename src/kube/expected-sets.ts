import type { HostView } from '../host.ts';
import type { ResolvedSpec } from '../resolved-spec.ts';
import { expectedDevices } from './pools/expected-devices.ts';
import { type Pool, resourceOf } from './pools/pool.ts';
import type { DeviceSet } from './registered.ts';
import { pluginConfig } from './wanted.ts';

export type ExpectedSets = ReadonlyMap<string, DeviceSet>;

/** What a node is to offer: on this host by the plugin's own rules, of another one the declared numbers. */
export const expectedSets = async (
  { elsewhere }: Pick<ResolvedSpec, 'elsewhere'>,
  { fs }: Pick<HostView, 'fs'>,
  pools: readonly Pool[],
): Promise<ExpectedSets> => {
  if (elsewhere) {
    return new Map(pools.map((pool) => [resourceOf(pool), { count: pool.members.length }]));
  }
  const expected = await expectedDevices(fs, pluginConfig(pools));
  return new Map(
    [...expected].map(([resource, devices]) => [resource, { count: devices.length, devices }]),
  );
};

export const differenceOf = (
  actual: readonly string[],
  expected: readonly string[],
): { readonly missing: readonly string[]; readonly extra: readonly string[] } => ({
  missing: expected.filter((device) => !actual.includes(device)),
  extra: actual.filter((device) => !expected.includes(device)),
});
