import type { EswitchSettings, VfAttributes } from '../../host.ts';
import type { BootOp } from '../boot-op.ts';
import type { PfBootPlan } from '../boot-plan.ts';
import type { PfIdentity } from '../identity.ts';

/** One VF as other programs' configuration can say it, and what they cannot. */
export interface VfOutline {
  readonly index: number;
  readonly attributes: VfAttributes;
  readonly driver?: string;
  readonly mtu?: string;
  readonly msix?: string;
}

/** What comes of a boot plan, without the way there. */
export interface PfOutline {
  readonly identity: PfIdentity;
  readonly count: number;
  readonly mtu?: string;
  readonly eswitch?: EswitchSettings;
  /** Only those with something of their own. */
  readonly vfs: readonly VfOutline[];
}

/** What other programs can be told is read off the plan, so that an export says no more and no less. */
export const outlineOf = ({ identity, vfs, ops }: PfBootPlan): PfOutline => {
  const eswitch = lastOf(ops, 'eswitch')?.settings;
  const mtu = valueOf(ops, 'netdev-attribute', 'pf', 'mtu');
  return {
    identity,
    count: vfs,
    ...(mtu !== undefined && { mtu }),
    ...(eswitch !== undefined && { eswitch }),
    vfs: Array.from({ length: vfs }, (_, index) => vfOutline(ops, index)).filter(
      (vf) => Object.keys(vf).length > 2 || Object.keys(vf.attributes).length > 0,
    ),
  };
};

const vfOutline = (ops: readonly BootOp[], index: number): VfOutline => {
  const driver = valueOf(ops, 'attribute', index, 'driver_override');
  const mtu = valueOf(ops, 'netdev-attribute', index, 'mtu');
  const msix = valueOf(ops, 'attribute', index, 'sriov_vf_msix_count');
  const attributes: VfAttributes = Object.fromEntries(
    ops
      .flatMap((op) => (op.kind === 'vf-settings' ? op.vfs : []))
      .filter((vf) => vf.index === index)
      .flatMap((vf) => Object.entries(vf))
      .filter(([key]) => key !== 'index'),
  );
  return {
    index,
    attributes,
    ...(driver !== undefined && driver !== '' && { driver }),
    ...(mtu !== undefined && { mtu }),
    ...(msix !== undefined && { msix }),
  };
};

const lastOf = <K extends BootOp['kind']>(ops: readonly BootOp[], kind: K) =>
  ops.findLast((op): op is Extract<BootOp, { kind: K }> => op.kind === kind);

/** The last value that is written to an attribute: of a function, or of its netdev. */
const valueOf = (
  ops: readonly BootOp[],
  kind: 'attribute' | 'netdev-attribute',
  place: 'pf' | number,
  name: string,
): string | undefined =>
  ops
    .flatMap((op) => (op.kind === kind && op.place === place && op.name === name ? [op.value] : []))
    .at(-1);

/** `the driver of VFs 0-3`: what an export leaves out, in words. */
export const leftOut = (
  { identity, eswitch, mtu, vfs }: PfOutline,
  able: {
    readonly attributes: readonly (keyof VfAttributes)[];
    readonly eswitch?: true;
    readonly mtu?: true;
  },
): readonly string[] => {
  const those = (has: (vf: VfOutline) => boolean): string | undefined => {
    const indexes = vfs.filter(has).map(({ index }) => index);
    return indexes.length === 0 ? undefined : indexes.join(', ');
  };
  const said = (what: string, indexes: string | undefined): readonly string[] =>
    indexes === undefined ? [] : [`${identity.address}: ${what} of VFs ${indexes} is not in it`];
  const attributes = [...new Set(vfs.flatMap((vf) => Object.keys(vf.attributes)))].filter(
    (name) => !(able.attributes as readonly string[]).includes(name),
  );
  return [
    ...attributes.flatMap((name) =>
      said(
        name,
        those((vf) => name in vf.attributes),
      ),
    ),
    ...said(
      'the driver',
      those(({ driver }) => driver !== undefined),
    ),
    ...said(
      'the MTU',
      those((vf) => vf.mtu !== undefined),
    ),
    ...said(
      'the number of interrupts',
      those(({ msix }) => msix !== undefined),
    ),
    ...(eswitch !== undefined && able.eswitch !== true
      ? [`${identity.address}: the mode of its switch is not in it`]
      : []),
    ...(mtu !== undefined && able.mtu !== true
      ? [`${identity.address}: the MTU of the PF is not in it`]
      : []),
  ];
};
