import type { NamedPf } from '../sysfs/inventory.ts';
import { cardsOf } from './topology.ts';

/** A box of the picture: a card, a port or a VF, with its lines of text. */
interface Box {
  readonly id: string;
  readonly kind: 'card' | 'pf' | 'vf';
  readonly lines: readonly string[];
  readonly children: readonly Box[];
}

/** Cards, ports and VFs for Graphviz. */
export const dotText = (pfs: readonly NamedPf[]): string => {
  const boxes = boxesOf(pfs);
  const all = boxes.flatMap(flat);
  return [
    'digraph sriov {',
    '  rankdir=LR;',
    '  node [shape=box, style="rounded,filled", fontname="sans-serif", fillcolor="#ffffff"];',
    ...all.map(
      ({ id, kind, lines }) =>
        `  ${quoted(id)} [label=${quoted(lines.join('\n'))}, fillcolor="${colours[kind]}"];`,
    ),
    ...all.flatMap(({ id, children }) =>
      children.map((child) => `  ${quoted(id)} -> ${quoted(child.id)};`),
    ),
    '}',
    '',
  ].join('\n');
};

/** The same for Mermaid, which Markdown pages show. */
export const mermaidText = (pfs: readonly NamedPf[]): string => {
  const all = boxesOf(pfs).flatMap(flat);
  const name = new Map(all.map(({ id }, index) => [id, `n${index}`]));
  const of = (id: string): string => name.get(id) ?? id;
  return [
    'flowchart LR',
    ...all.map(
      ({ id, kind, lines }) => `  ${of(id)}["${lines.map(entities).join('<br/>')}"]:::${kind}`,
    ),
    ...all.flatMap(({ id, children }) =>
      children.map((child) => `  ${of(id)} --> ${of(child.id)}`),
    ),
    ...Object.entries(colours).map(
      ([kind, colour]) => `  classDef ${kind} fill:${colour},stroke:#444,color:#111`,
    ),
    '',
  ].join('\n');
};

const size = { width: 250, line: 17, pad: 9, gap: 12, between: 60, margin: 16 } as const;

/** The same as a picture that needs no other program. */
export const svgText = (pfs: readonly NamedPf[]): string => {
  const placed: string[] = [];
  let bottom: number = size.margin;
  const place = (box: Box, depth: number): number => {
    const x = size.margin + depth * (size.width + size.between);
    const height = box.lines.length * size.line + 2 * size.pad;
    const top = bottom;
    const middles = box.children.map((child) => place(child, depth + 1));
    const end = Math.max(bottom, top + height + size.gap);
    bottom = end;
    const y = middles.length === 0 ? top : Math.max(top, (top + end - size.gap - height) / 2);
    const middle = y + height / 2;
    const right = x + size.width;
    placed.push(
      ...middles.map((to) => {
        const half = right + size.between / 2;
        return `<path d="M${right} ${middle} C${half} ${middle} ${half} ${to} ${right + size.between} ${to}"/>`;
      }),
      `<g class="${box.kind}"><rect x="${x}" y="${y}" width="${size.width}" height="${height}" rx="6"/>${box.lines
        .map((line, index) => {
          const at = y + size.pad + (index + 0.75) * size.line;
          return `<text x="${x + size.pad}" y="${at}"${index === 0 ? ' font-weight="bold"' : ''}>${entities(shortened(line))}</text>`;
        })
        .join('')}</g>`,
    );
    return middle;
  };
  for (const box of boxesOf(pfs)) place(box, 0);
  const width = 2 * size.margin + 3 * size.width + 2 * size.between;
  const height = bottom + size.margin;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="SR-IOV topology" font-family="sans-serif" font-size="13">`,
    `<style>rect{stroke:#444}${Object.entries(colours)
      .map(([kind, colour]) => `.${kind} rect{fill:${colour}}`)
      .join('')}path{fill:none;stroke:#888}text{fill:#111}</style>`,
    `<rect width="${width}" height="${height}" fill="#fff" style="stroke:none"/>`,
    ...placed,
    '</svg>',
    '',
  ].join('\n');
};

const colours = { card: '#e8e8e8', pf: '#cfe2ff', vf: '#d9f2d9' } as const;

const boxesOf = (pfs: readonly NamedPf[]): readonly Box[] =>
  cardsOf(pfs).map(({ slot, name, numaNode, pfs: ports }) => ({
    id: slot,
    kind: 'card',
    lines: [slot, name, ...(numaNode < 0 ? [] : [`NUMA node ${numaNode}`])],
    children: ports.map((pf) => ({
      id: pf.address,
      kind: 'pf',
      lines: [
        pf.netdev ?? '(no netdev)',
        pf.address,
        `${pf.driver ?? 'no driver'}, ${pf.vfs.length} of ${pf.sriov.totalVfs} VFs`,
      ],
      children: pf.vfs.map((vf) => ({
        id: vf.address,
        kind: 'vf',
        lines: [vf.netdev ?? `VF ${vf.index}`, `${vf.address}, ${vf.driver ?? 'no driver'}`],
        children: [],
      })),
    })),
  }));

const flat = (box: Box): readonly Box[] => [box, ...box.children.flatMap(flat)];

const quoted = (text: string): string =>
  `"${text.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;

const entities = (text: string): string =>
  text.replace(/[&<>"#]/g, (character) => `&#${character.charCodeAt(0)};`);

const shortened = (text: string): string => (text.length > 34 ? `${text.slice(0, 33)}…` : text);
