import { isDeepStrictEqual } from 'node:util';
import { eswitchCommand } from '../sysfs/devlink.ts';
import { vfCommandLines } from '../sysfs/vf-link.ts';
import type { BootOp, Place, Word } from './boot-op.ts';
import { shellWord } from './shell-word.ts';

/**
 * What is done for one PF as lines of the boot script, each of which ends the PF's function when it
 * fails. What is done to every VF alike becomes a loop.
 */
export const renderOps = (ops: readonly BootOp[]): readonly string[] =>
  runsOf(ops).flatMap(({ indexes, body }) => {
    const lines = body.flatMap((op) => renderOp(op));
    if (indexes.length === 0) return lines;
    if (indexes.length === 1) return [`vf=${indexes[0] ?? 0}`, ...lines];
    return [`for vf in ${indexes.join(' ')}; do`, ...lines.map((line) => `  ${line}`), 'done'];
  });

/** Consecutive operations on VFs that differ in nothing but the VF. */
interface Run {
  readonly indexes: number[];
  readonly body: readonly BootOp[];
}

const runsOf = (ops: readonly BootOp[]): readonly Run[] => {
  const runs: Run[] = [];
  for (const block of blocksOf(ops)) {
    const last = runs.at(-1);
    if (block.index === undefined) runs.push({ indexes: [], body: block.ops });
    else if (last !== undefined && last.indexes.length > 0 && alike(last.body, block.ops)) {
      last.indexes.push(block.index);
    } else runs.push({ indexes: [block.index], body: block.ops });
  }
  return runs;
};

/** Consecutive operations on the same VF, or on none. */
const blocksOf = (ops: readonly BootOp[]) => {
  const blocks: { readonly index: number | undefined; readonly ops: BootOp[] }[] = [];
  for (const op of ops) {
    const index = vfOf(op);
    const last = blocks.at(-1);
    if (last !== undefined && last.index === index) last.ops.push(op);
    else blocks.push({ index, ops: [op] });
  }
  return blocks;
};

const alike = (a: readonly BootOp[], b: readonly BootOp[]): boolean =>
  isDeepStrictEqual(a.map(withoutIndex), b.map(withoutIndex));

const withoutIndex = (op: BootOp): unknown => {
  if (op.kind === 'command') {
    return op.words.map((word) => {
      if (typeof word === 'string') return word;
      return 'indexOf' in word ? 'index' : word.netdevOf === 'pf' ? 'netdev of PF' : 'netdev of VF';
    });
  }
  return 'place' in op && op.place !== 'pf' ? { ...op, place: 0 } : op;
};

const vfOf = (op: BootOp): number | undefined => {
  if (op.kind === 'command') {
    for (const word of op.words) {
      if (typeof word === 'string') continue;
      if ('indexOf' in word) return word.indexOf;
      if (word.netdevOf !== 'pf') return word.netdevOf;
    }
    return undefined;
  }
  return 'place' in op && op.place !== 'pf' ? op.place : undefined;
};

const orReturn = ' || return';

const renderOp = (op: BootOp): readonly string[] => {
  switch (op.kind) {
    case 'module':
      return [`load ${shellWord(op.module.replaceAll('-', '_'))}${orReturn}`];
    case 'make-vfs':
      return [`make_vfs ${op.count}${orReturn}`];
    case 'attribute': {
      const file = op.place === 'pf' ? shellWord(op.name) : `"virtfn$vf/${op.name}"`;
      return [`attribute ${file} ${shellWord(op.value)}${orReturn}`];
    }
    case 'netdev-attribute':
      return [
        `netdev_attribute ${folder(op.place)} ${shellWord(op.name)} ${shellWord(op.value)}${orReturn}`,
      ];
    case 'host-attribute':
      return [`host_attribute ${shellWord(op.path)} ${shellWord(op.value)}${orReturn}`];
    case 'link':
      return [`set_link ${folder(op.place)} ${op.up ? 'up' : 'down'}${orReturn}`];
    case 'probe':
      return [`probe ${folder(op.place)} ${shellWord(op.driver)}${orReturn}`];
    case 'bind':
      return [`bind ${folder(op.place)} ${shellWord(op.driver)}${orReturn}`];
    case 'unbind':
      return [`unbind ${folder(op.place)}${orReturn}`];
    case 'vf-settings':
      return renderSettings(op);
    case 'eswitch':
      return renderCommand(eswitchCommand(op).argv);
    case 'command':
      return renderCommand(op.words);
  }
};

const folder = (place: Place): string => (place === 'pf' ? '.' : '"virtfn$vf"');

/** `vf N …`: what comes after the netdev's name, which is looked up when it is needed. */
const renderSettings = ({ vfs }: Extract<BootOp, { kind: 'vf-settings' }>): readonly string[] => {
  const settings = vfCommandLines({ kind: 'vf', netdev: '', vfs }).map((argv) =>
    shellWord(argv.slice(5).join(' ')),
  );
  return ['set_vfs \\', ...settings.map((line) => `  ${line} \\`), `  || return`];
};

/** The netdev is looked up right before it is named: udev may still be renaming it. */
const renderCommand = (words: readonly Word[]): readonly string[] => {
  const named = words.find((word) => typeof word !== 'string' && 'netdevOf' in word);
  const line = words.map((word) => {
    if (typeof word === 'string') return shellWord(word);
    return 'indexOf' in word ? '"$vf"' : '"$netdev"';
  });
  return [
    ...(typeof named === 'object' && 'netdevOf' in named
      ? [`need_netdev ${folder(named.netdevOf)}${orReturn}`]
      : []),
    `run ${line.join(' ')}${orReturn}`,
  ];
};
