import { z } from 'zod';
import { SriovctlError } from '../errors.ts';
import type { HostView } from '../host.ts';
import { persistMechanisms, type ResolvedPf, type ResolvedSpec } from '../resolved-spec.ts';
import { isPfSelector, resolvePf } from '../sysfs/resolve-pf.ts';

/** NumVFs of the SR-IOV capability is a 16-bit register. */
const mostVfs = 65_535;

const pfSchema = z.strictObject({
  pf: z.string().refine(isPfSelector, 'is no netdev name, PCI address, altname or MAC address'),
  vfs: z
    .int('is no whole number')
    .min(0, 'must not be negative')
    .max(mostVfs, `is above ${mostVfs}`),
});

const kubeSchema = z.strictObject({
  mode: z.enum(['auto', 'required', 'off']).default('auto'),
  namespace: z.string().default('kube-system'),
  resourcePrefix: z.string().default('sriovctl.io'),
  kubeconfig: z.string().optional(),
  context: z.string().optional(),
});

/** The wanted state of one node in the user's words: the one source of types and errors. */
export const nodeSpecSchema = z.strictObject({
  pfs: z.array(pfSchema),
  iommu: z.enum(['auto', 'on', 'off']).default('auto'),
  persist: z.enum(persistMechanisms).optional(),
  kube: kubeSchema.prefault({}),
});

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
    return `${wordsFor(path)} ${value === undefined ? '' : `${JSON.stringify(value)} `}${message}`;
  });
  throw new SriovctlError('SPEC_INVALID', problems.join('; '), {
    exit: 'usage',
    hint: 'See `sriovctl setup --help`.',
  });
};

/** Finds every PF on the host; two selectors may not mean the same one. */
export const resolveSpec = async (spec: NodeSpec, host: HostView): Promise<ResolvedSpec> => {
  const pfs: ResolvedPf[] = [];
  for (const { pf: selector, vfs } of spec.pfs) {
    const address = await resolvePf(host, selector);
    const same = pfs.find((pf) => pf.address === address);
    if (same !== undefined) {
      throw new SriovctlError(
        'PF_GIVEN_TWICE',
        `${same.selector} and ${selector} are the same PF (${address})`,
        { exit: 'usage', hint: 'Name each PF once.' },
      );
    }
    pfs.push({ address, selector, vfs });
  }
  const { kubeconfig, context, ...kube } = spec.kube;
  return {
    pfs,
    iommu: spec.iommu,
    ...(spec.persist !== undefined && { persist: spec.persist }),
    kube: {
      ...kube,
      ...(kubeconfig !== undefined && { kubeconfig }),
      ...(context !== undefined && { context }),
    },
  };
};

const valueAt = (input: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    input,
  );

/** `pfs.0.vfs` is what a user typed as --vfs. */
const wordsFor = (path: readonly PropertyKey[]): string => {
  const [first, , last] = path;
  return first === 'pfs' && typeof last === 'string' ? `--${last}` : path.join('.');
};
