import * as z from 'zod';
import { parsePciAddress } from '../../sysfs/pci-address.ts';
import { isJsonObject, parseJson } from '../json.ts';
import type { PluginConfig, PoolConfig, SelectorConfig } from '../pools/plugin-config.ts';
import { resourceOf } from '../pools/pool.ts';
import { type Finding, finding } from './finding.ts';
import { issueText } from './issue-text.ts';

const texts = z.array(z.string()).optional();

const selectorSchema = z.strictObject({
  vendors: texts,
  devices: texts,
  drivers: texts,
  pciAddresses: texts,
  acpiIndexes: texts,
  pfNames: texts,
  rootDevices: texts,
  linkTypes: texts,
  ddpProfiles: texts,
  pKeys: texts,
  isRdma: z.boolean().optional(),
  needVhostNet: z.boolean().optional(),
  vdpaType: z.enum(['vhost', 'virtio']).optional(),
  auxTypes: texts,
});

const poolSchema = z.strictObject({
  resourceName: z.string(),
  resourcePrefix: z.string(),
  deviceType: z.enum(['netDevice', 'accelerator', 'auxNetDevice']).optional(),
  excludeTopology: z.boolean().optional(),
  selectors: z.union([selectorSchema, z.array(selectorSchema).min(1)]),
  additionalInfo: z.record(z.string(), z.record(z.string(), z.string())).optional(),
});

const configSchema = z.strictObject({ resourceList: z.array(poolSchema).min(1) });

const strictness =
  'The device plugin ends at once, drops the pool or ignores a key it does not know, and says so in its log only.';

/**
 * What the device plugin would make of a configuration without saying so: it ends with exit code 0,
 * drops a pool, ignores a key, or counts devices that were not meant.
 */
export const lintPluginConfig = (text: string): readonly Finding[] => {
  const json = parseJson(text);
  if (!isJsonObject(json)) return [finding('the configuration is no JSON object', strictness)];
  const parsed = configSchema.safeParse(json);
  if (!parsed.success) {
    return parsed.error.issues.map((issue) => finding(issueText(issue), strictness));
  }
  const pools = parsed.data.resourceList.map(
    (pool) =>
      ({
        ...pool,
        selectors: Array.isArray(pool.selectors) ? pool.selectors : [pool.selectors],
      }) as PoolConfig,
  );
  return [...pools.flatMap(lintPool), ...duplicates({ resourceList: pools })];
};

const lintPool = (pool: PoolConfig): readonly Finding[] => [
  ...lintNames(pool),
  ...pool.selectors.flatMap((selector) => lintSelector(pool, selector)),
];

/**
 * Names that the plugin takes and kubelet or a shell does not: extended resources begin and end
 * alphanumeric, the socket's path has to fit into 107 bytes, and a hyphen stays in the name of the
 * environment variable.
 */
const lintNames = ({ resourceName, resourcePrefix }: PoolConfig): readonly Finding[] => {
  const findings: Finding[] = [];
  const full = resourceOf({ prefix: resourcePrefix, name: resourceName });
  if (!/^[a-z0-9]([a-z0-9_]*[a-z0-9])?$/.test(resourceName) || resourceName.length > 63) {
    findings.push(
      finding(
        `the resource name ${JSON.stringify(resourceName)} is not one that kubelet and shells take`,
        'Use a-z, 0-9 and _ between them, 63 characters at most.',
      ),
    );
  }
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(resourcePrefix) || isReserved(resourcePrefix)) {
    findings.push(
      finding(
        `the resource prefix ${JSON.stringify(resourcePrefix)} is no domain that may be used`,
        'Use a domain of your own in lower case, for example example.com; kubernetes.io is reserved.',
      ),
    );
  }
  if (resourcePrefix.length + resourceName.length > 67) {
    findings.push(
      finding(
        `${full} is too long: the path of the plugin’s socket would exceed 107 bytes`,
        'Prefix and name together may have 67 characters.',
      ),
    );
  }
  return findings;
};

const isReserved = (prefix: string): boolean =>
  prefix === 'kubernetes.io' || prefix.endsWith('.kubernetes.io');

const lintSelector = (pool: PoolConfig, selector: SelectorConfig): readonly Finding[] => {
  const full = resourceOf({ prefix: pool.resourcePrefix, name: pool.resourceName });
  const findings = [
    ...lintIds(full, selector),
    ...lintRanges(full, 'pfNames', selector.pfNames ?? []),
    ...lintRanges(full, 'rootDevices', selector.rootDevices ?? []),
  ];
  const { pfNames = [], rootDevices = [], pciAddresses = [] } = selector;
  const isNetDevice = (pool.deviceType ?? 'netDevice') === 'netDevice';
  if (isNetDevice && pfNames.length + rootDevices.length + pciAddresses.length === 0) {
    findings.push(
      finding(
        `${full} may count PFs: it names neither PFs nor addresses`,
        'Add rootDevices (or pfNames): a PF without VFs matches vendors, devices and drivers too.',
      ),
    );
  }
  if (selector.isRdma === true && selector.vdpaType !== undefined) {
    findings.push(finding(`${full} has isRdma and vdpaType`, 'The plugin ends on it: drop one.'));
  }
  if (pool.deviceType === 'auxNetDevice' && selector.auxTypes?.join() !== 'sf') {
    findings.push(
      finding(
        `${full} has no auxTypes`,
        'The plugin ends on it: "auxTypes": ["sf"] is the only one.',
      ),
    );
  }
  return findings;
};

/** The plugin compares texts: `0x8086`, `15B3` and `65:00.2` match nothing. */
const lintIds = (full: string, selector: SelectorConfig): Finding[] => [
  ...['vendors', 'devices'].flatMap((key) =>
    (selector[key as 'vendors' | 'devices'] ?? [])
      .filter((id) => !/^[0-9a-f]{4}$/.test(id))
      .map((id) =>
        finding(`${full}: ${key} has ${JSON.stringify(id)}, which matches nothing`, idHint),
      ),
  ),
  ...(selector.pciAddresses ?? [])
    .filter((address) => parsePciAddress(address) === undefined)
    .map((address) =>
      finding(
        `${full}: pciAddresses has ${JSON.stringify(address)}, which matches nothing`,
        bdfHint,
      ),
    ),
];

const idHint = 'Write four hexadecimal digits in lower case, without 0x.';
const bdfHint = 'Write the address in full and in lower case: 0000:65:00.2.';

const lintRanges = (
  full: string,
  key: 'pfNames' | 'rootDevices',
  items: readonly string[],
): readonly Finding[] => {
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const item of items) {
    const [base = '', spec, ...more] = item.split('#');
    const words = `${full}: ${key} has ${JSON.stringify(item)}`;
    if (seen.has(base.toLowerCase())) {
      findings.push(
        finding(
          `${words} after another item of the same PF, of which only the first is read`,
          `Merge them into one: "${base}#0-3,6".`,
        ),
      );
    }
    seen.add(base.toLowerCase());
    if (key === 'rootDevices' && parsePciAddress(base.toLowerCase()) === undefined) {
      findings.push(finding(`${words}, which is no PCI address`, bdfHint));
    }
    if (more.length > 0 || (spec !== undefined && !isRangeList(spec))) {
      findings.push(
        finding(
          `${words}, of which the plugin reads no more than the part before the first mistake`,
          'Write indexes and ranges without blanks, the smaller first: "#0-3,6".',
        ),
      );
    }
  }
  return findings;
};

const isRangeList = (spec: string): boolean =>
  spec.split(',').every((token) => {
    const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(token) ?? [];
    return first !== undefined && (last === undefined || Number(first) <= Number(last));
  });

const duplicates = ({ resourceList }: PluginConfig): readonly Finding[] => {
  const names = resourceList.map(({ resourcePrefix: prefix, resourceName: name }) =>
    resourceOf({ prefix, name }),
  );
  return [...new Set(names.filter((name, at) => names.indexOf(name) !== at))].map((name) =>
    finding(`${name} is there twice`, 'The plugin ends on it: give each pool a name of its own.'),
  );
};
