import { isMap, isScalar, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import { vfCount } from '../vf-count.ts';
import { listMatches } from './match.ts';
import type { FindManagers, ManagedPf, OtherManager } from './other-manager.ts';
import { readFolders, systemFolders, type TextFile } from './texts.ts';

/** What netplan is told of the PF: a number of VFs, an eswitch mode, or VFs that `link:` to it. */
export const netplan: FindManagers = async (fs, pf) => {
  const files = await readFolders(fs, systemFolders('netplan'), '.yaml', '.yml');
  const all = files.flatMap(definitions);
  const pfs = new Set(all.filter((one) => means(one, pf)).map(({ id }) => id));
  return all.flatMap((one) => {
    const own = pfs.has(one.id) ? ownEffects(one) : [];
    const link = one.text('link');
    const linked = link !== undefined && pfs.has(link) ? [linkEffect(one, link)] : [];
    return [...own, ...linked];
  });
};

/** One entry below `ethernets:`. */
interface Definition {
  readonly file: TextFile;
  readonly id: string;
  readonly match: YAMLMap | undefined;
  readonly text: (key: string) => string | undefined;
  readonly line: (key: string) => number;
}

/** A file that is no YAML says nothing here; netplan complains itself. */
const definitions = (file: TextFile): readonly Definition[] => {
  const lineCounter = new LineCounter();
  const document = parseDocument(file.text, { lineCounter, logLevel: 'silent' });
  const ethernets: unknown = document.getIn(['network', 'ethernets']);
  if (!isMap(ethernets)) return [];
  return ethernets.items.flatMap(({ key, value }) => {
    if (!isScalar(key) || !isMap(value)) return [];
    const match: unknown = value.get('match');
    return [
      {
        file,
        id: String(key.value),
        match: isMap(match) ? match : undefined,
        text: (name) => textAt(value, name),
        line: (name) => {
          const pair = value.items.find((item) => isScalar(item.key) && item.key.value === name);
          const place = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
          return lineCounter.linePos(place ?? 0).line;
        },
      },
    ];
  });
};

const textAt = (map: YAMLMap, key: string): string | undefined => {
  const value: unknown = map.get(key);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
};

/** Without `match:` the id is the netdev's name; with it the id is any word (netplan(5)). */
const means = ({ id, match, text }: Definition, pf: ManagedPf): boolean => {
  if (match === undefined) return id === pf.netdev;
  const list = (key: string): readonly string[] => {
    const value = textAt(match, key);
    return value === undefined ? [] : [value];
  };
  const renamed = text('set-name');
  return (
    (listMatches(list('name'), pf.netdev) || renamed === pf.netdev) &&
    listMatches(list('driver'), pf.driver) &&
    listMatches(
      list('macaddress').map((mac) => mac.toLowerCase()),
      pf.mac,
    )
  );
};

const ownEffects = ({ file, text, line }: Definition): readonly OtherManager[] =>
  (
    [
      [
        'virtual-function-count',
        (value) => `sets ${vfCount(value)} at each boot and \`netplan apply\``,
      ],
      ['embedded-switch-mode', (value) => `sets the eswitch mode ${value}`],
    ] satisfies [string, (value: string) => string][]
  ).flatMap(([key, effect]) => {
    const value = text(key);
    if (value === undefined) return [];
    return [{ name: 'netplan', file: file.path, line: line(key), effect: effect(value) }];
  });

const linkEffect = ({ file, id, line }: Definition, pf: string): OtherManager => ({
  name: 'netplan',
  file: file.path,
  line: line('link'),
  effect: `makes ${id} a VF of ${pf} at each boot and \`netplan apply\``,
});
