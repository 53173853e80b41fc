import chalk from 'chalk';
import type { NamedPf } from '../sysfs/inventory.ts';
import { table } from './table.ts';

export interface PfTextOptions {
  /** The VFs are those of a rehearsal: places are arithmetic, the rest is likely. */
  readonly predicted?: boolean;
}

/** PFs with their VFs, as `list` and the end of a run show them. */
export const pfsText = (pfs: readonly NamedPf[], options: PfTextOptions = {}): string =>
  pfs.length === 0
    ? 'This host has no network card with SR-IOV.\n'
    : `${pfs.map((pf) => pfText(pf, options)).join('\n\n')}\n`;

const pfText = (pf: NamedPf, { predicted = false }: PfTextOptions): string => {
  const product = [pf.names.vendor, pf.names.device].filter(Boolean).join(' ');
  const numa = pf.numaNode >= 0 ? `NUMA node ${pf.numaNode}` : 'NUMA node unknown';
  const group = pf.iommuGroup === undefined ? 'no IOMMU group' : `IOMMU group ${pf.iommuGroup}`;
  const head = [
    `${chalk.bold(pf.netdev ?? '(no netdev)')}  ${pf.address}  [${pf.vendor}:${pf.device}]`,
    ...(product === '' ? [] : [`  ${product}`]),
    `  ${pf.driver ?? 'no driver'}, ${pf.mac ?? 'no MAC'}, ${numa}, ${group}`,
    `  ${pf.vfs.length} of ${pf.sriov.totalVfs} VFs${predicted ? ' (predicted)' : ''}`,
  ];
  return [...head, ...vfTable(pf).map((line) => `  ${line}`)].join('\n');
};

const vfTable = ({ vfs, representors }: NamedPf): readonly string[] => {
  if (vfs.length === 0) return [];
  const switching = representors !== undefined;
  return table(
    ['VF', 'ADDRESS', 'NETDEV', 'MAC', 'DRIVER', 'ID', 'IOMMU', ...(switching ? ['SWITCH'] : [])],
    vfs.map((vf) => [
      String(vf.index),
      vf.address,
      vf.netdev ?? '-',
      vf.mac ?? (vf.randomMac === true ? 'random' : '-'),
      vf.driver ?? '-',
      `${vf.vendor}:${vf.device}`,
      vf.iommuGroup ?? '-',
      ...(switching ? [representors[vf.index] ?? '-'] : []),
    ]),
  );
};
