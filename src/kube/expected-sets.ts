import type { HostView } from '../host.ts';
import type { ResolvedSpec } from '../resolved-spec.ts';
import { declaredCounts, expectedDevices } from './pools/expected-devices.ts';
import type { PluginConfig } from './pools/plugin-config.ts';
import type { DeviceSet } from './registered.ts';

export type ExpectedSets = ReadonlyMap<string, DeviceSet>;

/** What a node is to offer: on this host by the plugin's own rules, of another one the declared numbers. */
export const expectedSets = async (
  { elsewhere }: Pick<ResolvedSpec, 'elsewhere'>,
  { fs }: Pick<HostView, 'fs'>,
  config: PluginConfig,
): Promise<ExpectedSets> => {
  if (elsewhere) {
    return new Map([...declaredCounts(config)].map(([resource, count]) => [resource, { count }]));
  }
  const expected = await expectedDevices(fs, config);
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
