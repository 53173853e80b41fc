import type { HostFs } from '../../host.ts';
import { expectedDevices } from '../pools/expected-devices.ts';
import type { PluginConfig } from '../pools/plugin-config.ts';
import { type Finding, finding } from './finding.ts';

/** Devices that several pools ask for: the first pool in the list gets them, and the others fewer. */
export const lintOverlap = async (
  fs: HostFs,
  { resourceList }: PluginConfig,
): Promise<readonly Finding[]> => {
  const owners = new Map<string, string>();
  const findings: Finding[] = [];
  for (const pool of resourceList) {
    for (const [resource, devices] of await expectedDevices(fs, { resourceList: [pool] })) {
      const shared = devices.filter((device) => owners.has(device));
      const [first] = shared;
      if (first !== undefined) {
        findings.push(
          finding(
            `${resource} and ${owners.get(first) ?? ''} both ask for ${shared.join(', ')}`,
            'Give the pools VF ranges that do not overlap.',
          ),
        );
      }
      for (const device of devices) if (!owners.has(device)) owners.set(device, resource);
    }
  }
  return findings;
};
