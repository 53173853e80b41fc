import * as z from 'zod';
import { SriovctlError } from '../errors.ts';
import { persistMechanisms, type VfSettings } from '../resolved-spec.ts';
import { isKernelArgument } from '../sysfs/cmdline.ts';
import { isPfSelector } from '../sysfs/resolve-pf.ts';
import { settingWords } from '../sysfs/vf-settings.ts';
import { kubeSchema } from './kube/kube-spec.ts';
import { contradictions, pfOptions } from './vf-settings.ts';

/** NumVFs of the SR-IOV capability is a 16-bit register. */
const mostVfs = 65_535;

const pciId = z
  .string()
  .regex(/^(0x)?[\da-f]{4}$/i, 'is no PCI id')
  .describe('four hex digits, in quotes');

const pfSchema = z
  .strictObject({
    pf: z
      .string()
      .refine(isPfSelector, 'is no netdev name, PCI address, altname or MAC address')
      .describe('a netdev name, PCI address, altname or permanent MAC address')
      .optional(),
    match: z
      .strictObject({
        vendor: pciId.optional(),
        device: pciId.optional(),
        driver: z.string().min(1).describe('the name of the driver that is bound').optional(),
      })
      .refine((match) => Object.keys(match).length > 0, 'names neither vendor, device nor driver')
      .describe('All PFs of this kind that no other entry names')
      .optional(),
    vfs: z
      .int('is no whole number')
      .min(0, 'must not be negative')
      .max(mostVfs, `is above ${mostVfs}`)
      .describe('Number of Virtual Functions'),
    ...pfOptions,
  })
  .refine(({ pf, match }) => (pf === undefined) !== (match === undefined), {
    message: 'names its PFs neither by pf nor by match, or by both',
  })
  .superRefine((entry, context) => {
    for (const problem of contradictions(entry)) context.addIssue({ code: 'custom', ...problem });
  })
  .describe('A mapping with pf (or match) and vfs');

/** The wanted state of one node in the user's words: the one source of types and errors. */
export const nodeSpecSchema = z.strictObject({
  pfs: z.array(pfSchema).describe('PFs and what is wanted of each'),
  iommu: z
    .enum(['auto', 'on', 'off'])
    .describe('Whether the IOMMU is wanted: auto asks for it only where a VF needs it')
    .default('auto'),
  boot: z
    .strictObject({
      grubFile: z
        .boolean()
        .describe('Edit /etc/default/grub in place instead of adding a file of our own')
        .optional(),
      kernelArgs: z
        .array(z.string().refine(isKernelArgument, 'is no kernel argument'))
        .describe('Kernel arguments to keep, for example pci=realloc')
        .optional(),
    })
    .describe('How kernel arguments are kept')
    .optional(),
  driverSource: z
    .string()
    .refine(isAbsolutePath, 'is no absolute path')
    .describe('A folder or tarball with the source of a driver, to be built and loaded')
    .optional(),
  persist: z.enum(persistMechanisms).describe('What makes the VFs again after a boot').optional(),
  kube: kubeSchema.prefault({}),
});

/** Not the root itself, and nothing that a line of a listing could not show. */
function isAbsolutePath(text: string): boolean {
  return /^\/[^\0-\x1f\x7f]+$/.test(text);
}

export type NodeSpec = z.output<typeof nodeSpecSchema>;
export type NodeSpecInput = z.input<typeof nodeSpecSchema>;

/** @throws SriovctlError SPEC_INVALID (exit `usage`) that names every wrong value. */
export const parseNodeSpec = (
  input: NodeSpecInput,
  { withoutPfs = false }: { readonly withoutPfs?: boolean } = {},
): NodeSpec => {
  if (!withoutPfs && input.pfs.length === 0) {
    throw new SriovctlError('PF_MISSING', 'no PF is named', {
      exit: 'usage',
      hint: 'Write --pf NAME --vfs N; `sriovctl list` shows the PFs of this host.',
    });
  }
  const parsed = nodeSpecSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => {
    const value = valueAt(input, path);
    const shown = typeof value === 'object' ? undefined : JSON.stringify(value);
    return [wordsFor(input, path), shown, message].filter((word) => word !== undefined).join(' ');
  });
  throw new SriovctlError('SPEC_INVALID', problems.join('; '), {
    exit: 'usage',
    hint: 'See `sriovctl setup --help`.',
  });
};

const valueAt = (input: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    input,
  );

/** `pfs.0.vfs` is what a user typed as --vfs, `pfs.0.settings.0.vlan` as `--vf 0-3:vlan=…`. */
const wordsFor = (input: NodeSpecInput, path: readonly PropertyKey[]): string => {
  const [first, , name, place, setting] = path;
  if (first !== 'pfs' || typeof name !== 'string') return path.join('.');
  if (name !== 'settings') return pfFlags[name] ?? `--${name}`;
  if (place === undefined) return '--vf';
  const range = valueAt(input, [...path.slice(0, 4), 'vfs']);
  const word = settingWords[setting as keyof VfSettings] as string | undefined;
  return [`--vf ${String(range)}`, word].filter((part) => part !== undefined).join(':');
};

const pfFlags: Readonly<Record<string, string>> = {
  driver: '--vf-driver',
  macPolicy: '--mac-policy',
};
