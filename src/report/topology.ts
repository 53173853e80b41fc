import type { NamedPf } from '../sysfs/inventory.ts';
import { table } from './table.ts';

/** Who uses a VF, by its address; empty where nobody is known to. */
export type Holders = ReadonlyMap<string, readonly string[]>;

/** A card: the PFs of one slot. */
export interface Card {
  /** Domain, bus and device number. */
  readonly slot: string;
  readonly name: string;
  readonly numaNode: number;
  readonly pfs: readonly NamedPf[];
}

/** PFs by the card they are ports of. */
export const cardsOf = (pfs: readonly NamedPf[]): readonly Card[] => {
  const slots = [...new Set(pfs.map(({ address }) => slotOf(address)))];
  return slots.flatMap((slot) => {
    const ports = pfs.filter(({ address }) => slotOf(address) === slot);
    const [first] = ports;
    return first === undefined
      ? []
      : [{ slot, name: productOf(first), numaNode: first.numaNode, pfs: ports }];
  });
};

export const productOf = ({ names, vendor, device }: NamedPf): string =>
  [names.vendor, names.device].filter(Boolean).join(' ') || `${vendor}:${device}`;

/** Card, ports and VFs as a tree, with what each is and who has it. */
export const treeText = (pfs: readonly NamedPf[], holders: Holders): string =>
  cardsOf(pfs)
    .flatMap((card) => [
      `${card.slot}  ${card.name}, ${numaWords(card.numaNode)}`,
      ...branches(card.pfs.map((pf) => [pfLine(pf), ...branches(vfBlocks(pf, holders))])),
    ])
    .join('\n')
    .concat('\n');

/** One line for each function, with everything that is known of it. */
export const wideText = (pfs: readonly NamedPf[], holders: Holders): string => {
  const rows = pfs.flatMap((pf) => [
    [
      pf.netdev ?? '-',
      'PF',
      ...functionCells(pf),
      `${pf.vfs.length}/${pf.sriov.totalVfs}`,
      productOf(pf),
    ],
    ...pf.vfs.map((vf) => [
      vf.netdev ?? '-',
      `VF ${vf.index}`,
      ...functionCells(vf),
      '-',
      holders.get(vf.address)?.join('; ') ?? '-',
    ]),
  ]);
  const header = [
    'NETDEV',
    'KIND',
    'ADDRESS',
    'MAC',
    'DRIVER',
    'ID',
    'IOMMU',
    'NUMA',
    'VFS',
    'CARD, OR USED BY',
  ];
  return `${table(header, rows).join('\n')}\n`;
};

const functionCells = (of: NamedPf | NamedPf['vfs'][number]): readonly string[] => [
  of.address,
  of.mac ?? '-',
  of.driver ?? '-',
  `${of.vendor}:${of.device}`,
  of.iommuGroup ?? '-',
  of.numaNode < 0 ? '-' : String(of.numaNode),
];

const slotOf = (address: string): string => address.replace(/\.\d$/, '');

const numaWords = (node: number): string => (node < 0 ? 'NUMA node unknown' : `NUMA node ${node}`);

const pfLine = (pf: NamedPf): string =>
  [
    pf.netdev ?? '(no netdev)',
    pf.address,
    pf.driver ?? 'no driver',
    pf.mac ?? 'no MAC',
    ...(pf.iommuGroup === undefined ? [] : [`IOMMU ${pf.iommuGroup}`]),
    `${pf.vfs.length} of ${pf.sriov.totalVfs} VFs`,
  ].join('  ');

/** A VF, and below it each who uses it. */
const vfBlocks = ({ vfs }: NamedPf, holders: Holders): readonly (readonly string[])[] => {
  const lines = table(
    ['', '', '', '', '', ''],
    vfs.map((vf) => [
      `VF ${vf.index}`,
      vf.address,
      vf.netdev ?? '-',
      vf.driver ?? 'no driver',
      vf.mac ?? '-',
      vf.iommuGroup === undefined ? '' : `IOMMU ${vf.iommuGroup}`,
    ]),
  ).slice(1);
  return vfs.map(({ address }, index) => [
    lines[index] ?? '',
    ...branches((holders.get(address) ?? []).map((by) => [by])),
  ]);
};

/** Each block is a line and what hangs below it. */
const branches = (blocks: readonly (readonly string[])[]): readonly string[] =>
  blocks.flatMap(([head = '', ...below], index) => {
    const last = index === blocks.length - 1;
    return [
      `${last ? '└─' : '├─'} ${head}`,
      ...below.map((line) => `${last ? '  ' : '│ '} ${line}`),
    ];
  });
