import * as z from 'zod';
import type { EswitchSettings } from '../host.ts';
import type { ResolvedPf, VfRangeSettings } from '../resolved-spec.ts';
import { encapModes, inlineModes, modes } from '../sysfs/devlink.ts';
import { vfSettingsOf } from '../sysfs/vf-settings.ts';
import { parseVfRange } from './vf-range.ts';

const mac = z
  .string()
  .regex(/^[\da-f]{2}(:[\da-f]{2}){5}$/i, 'is no MAC address')
  .refine((text) => (Number.parseInt(text, 16) & 1) === 0, 'is a multicast address')
  .refine((text) => /[1-9a-f]/i.test(text), 'is the address that means none')
  .describe('a unicast MAC address such as 02:00:00:00:00:01');
const guid = z
  .string()
  .regex(/^[\da-f]{2}(:[\da-f]{2}){7}$/i, 'is no GUID')
  .describe('eight bytes with colons between');
/** The bounds of the kernel's own devices; a card may have narrower ones. */
const mtu = z.int('is no whole number').min(68, 'is below 68').max(65_535, 'is above 65535');
const rate = z.int('is no whole number').min(0, 'must not be negative').max(4_294_967_295);
/** A driver's name becomes part of a path below /sys/bus/pci/drivers. */
const driver = z.string().regex(/^[a-z\d][\w-]{0,55}$/i, 'is no driver name');

const settingsSchema = z.strictObject({
  vfs: z
    .union([z.string(), z.int().min(0)])
    .describe('VF indexes such as 0-3,5 (in quotes), or all'),
  mac: mac.exactOptional(),
  vlan: z
    .int('is no whole number')
    .min(0, 'must not be negative')
    .max(4094, 'is above 4094')
    .describe('VLAN that the card adds and takes off; 0 is none')
    .exactOptional(),
  qos: z
    .int('is no whole number')
    .min(0, 'must not be negative')
    .max(7, 'is above 7')
    .describe('Priority of the VLAN')
    .exactOptional(),
  proto: z.enum(['802.1q', '802.1ad']).describe('Protocol of the VLAN').exactOptional(),
  trust: z
    .boolean()
    .describe('Whether the VF may change its MAC and be promiscuous')
    .exactOptional(),
  spoofCheck: z
    .boolean()
    .describe('Whether frames from other addresses than its own are dropped')
    .exactOptional(),
  linkState: z
    .enum(['auto', 'enable', 'disable'])
    .describe('The link as the VF sees it')
    .exactOptional(),
  minTxRate: rate.describe('Guaranteed rate in Mbit/s; 0 is none').exactOptional(),
  maxTxRate: rate.describe('Rate limit in Mbit/s; 0 is none').exactOptional(),
  mtu: mtu.describe("MTU of the VF's own netdev").exactOptional(),
  msix: z
    .int('is no whole number')
    .min(1, 'is below 1')
    .max(2048, 'is above 2048')
    .describe('MSI-X vectors of the VF')
    .exactOptional(),
  driver: driver.describe('Driver of the VF: vfio-pci, kernel or another by name').exactOptional(),
  nodeGuid: guid.exactOptional(),
  portGuid: guid.exactOptional(),
});

/** The keys of a PF besides its name and the number of its VFs. */
export const pfOptions = {
  driver: driver.describe('Driver of the VFs: vfio-pci, kernel or another by name').exactOptional(),
  mtu: mtu.describe("MTU of the PF's own netdev").exactOptional(),
  eswitch: z
    .union([
      z.enum(modes),
      z.strictObject({
        mode: z.enum(modes).exactOptional(),
        inlineMode: z.enum(inlineModes).exactOptional(),
        encapMode: z.enum(encapModes).exactOptional(),
      }),
    ])
    .describe('How the card switches between its VFs and the wire')
    .exactOptional(),
  macPolicy: z
    .enum(['stable'])
    .describe('stable: MACs worked out from the card and the index, the same after each creation')
    .exactOptional(),
  settings: z.array(settingsSchema).describe('Settings of VFs by index').exactOptional(),
} as const;

type Given<T extends z.core.$ZodShape> = z.output<z.ZodObject<T>>;
export type PfOptions = Given<typeof pfOptions> & { readonly vfs: number };

/** What is wrong with a PF's options taken together, with the place of it. */
export const contradictions = (
  pf: PfOptions,
): readonly { readonly path: PropertyKey[]; readonly message: string }[] => {
  const settings = pf.settings ?? [];
  const found = settings.flatMap((entry, place) =>
    contradictionsOf(entry, pf.vfs).map(({ key, message }) => ({
      path: ['settings', place, ...(key === undefined ? [] : [key])],
      message,
    })),
  );
  if (found.length > 0) return found;
  const whole = contradictionOfAll(pf);
  return whole === undefined ? [] : [{ path: ['settings'], message: whole }];
};

/** Options as the stages read them, which `contradictions` has found nothing wrong with. */
export const resolveOptions = (
  options: PfOptions,
): Omit<ResolvedPf, 'address' | 'selector' | 'vfs'> => {
  const { driver: vfDriver, mtu: pfMtu, macPolicy, eswitch, settings, vfs } = options;
  return {
    ...(vfDriver !== undefined && { driver: vfDriver }),
    ...(pfMtu !== undefined && { mtu: pfMtu }),
    ...(macPolicy !== undefined && { macPolicy }),
    ...(eswitch !== undefined && { eswitch: eswitchOf(eswitch) }),
    ...(settings !== undefined && settings.length > 0 && { settings: rangesOf(settings, vfs) }),
  };
};

type Entry = z.output<typeof settingsSchema>;

const eswitchOf = (eswitch: NonNullable<PfOptions['eswitch']>): EswitchSettings =>
  typeof eswitch === 'string' ? { mode: eswitch } : eswitch;

const rangesOf = (settings: readonly Entry[], count: number): readonly VfRangeSettings[] =>
  settings.map(({ vfs, mac: address, nodeGuid, portGuid, ...rest }) => {
    const indexes = parseVfRange(String(vfs), count);
    return {
      vfs: typeof indexes === 'string' ? [] : indexes,
      ...rest,
      ...(address !== undefined && { mac: address.toLowerCase() }),
      ...(nodeGuid !== undefined && { nodeGuid: nodeGuid.toLowerCase() }),
      ...(portGuid !== undefined && { portGuid: portGuid.toLowerCase() }),
    };
  });

const ownToOneVf = ['mac', 'nodeGuid', 'portGuid'] as const;

const contradictionsOf = (
  entry: Entry,
  count: number,
): readonly { readonly key?: string; readonly message: string }[] => {
  const indexes = parseVfRange(String(entry.vfs), count);
  if (typeof indexes === 'string') return [{ key: 'vfs', message: indexes }];
  const shared = indexes.length < 2 ? [] : ownToOneVf.filter((key) => entry[key] !== undefined);
  return [
    ...(Object.keys(entry).length < 2 ? [{ message: 'has a range of VFs and no setting' }] : []),
    ...shared.map((key) => ({ key, message: `cannot be that of ${indexes.length} VFs` })),
    ...(['qos', 'proto'] as const)
      .filter((key) => entry[key] !== undefined && entry.vlan === undefined)
      .map((key) => ({ key, message: 'needs a vlan beside it' })),
  ];
};

/** What only shows once the ranges are put together. */
const contradictionOfAll = (pf: PfOptions): string | undefined => {
  const resolved = { address: '', selector: '', vfs: pf.vfs, ...resolveOptions(pf) };
  const macs = new Map<string, number>();
  for (const index of namedIndexes(resolved)) {
    const { mac: own, mtu: vfMtu, driver: vfDriver, ...vf } = vfSettingsOf(resolved, index);
    const { minTxRate = 0, maxTxRate = 0 } = vf;
    const twin = own === undefined ? undefined : macs.get(own);
    if (twin !== undefined) return `gives VF ${twin} and VF ${index} the same MAC`;
    if (own !== undefined) macs.set(own, index);
    if (maxTxRate > 0 && minTxRate > maxTxRate) {
      return `has a minTxRate of VF ${index} above its maxTxRate`;
    }
    if (vfMtu !== undefined && vfDriver === 'vfio-pci') {
      return `has an mtu for VF ${index}, which has no netdev with the driver vfio-pci`;
    }
    if (vfMtu !== undefined && pf.mtu !== undefined && vfMtu > pf.mtu) {
      return `has an mtu of VF ${index} above that of its PF`;
    }
  }
  return undefined;
};

const namedIndexes = ({ settings = [] }: Pick<ResolvedPf, 'settings'>): readonly number[] =>
  [...new Set(settings.flatMap(({ vfs }) => vfs))].sort((a, b) => a - b);
