import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  type Pair,
} from 'yaml';

/** Where something stands in a file, as an editor counts: lines and columns from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
  /** Characters from there on that are meant, on that line. */
  readonly length: number;
}

export interface YamlText {
  readonly text: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

/** The value at a path; of what is not there (a missing key, a merged one), what should hold it. */
export const placeOf = (yaml: YamlText, path: readonly PropertyKey[]): Place => {
  const node = nodeAt(yaml.document, path);
  if (node?.range) return placeAt(yaml, node.range[0], node.range[1]);
  return path.length === 0 ? placeAt(yaml, 0, 1) : placeOf(yaml, path.slice(0, -1));
};

/** The key itself, where a mapping has it; otherwise the mapping. */
export const placeOfKey = (yaml: YamlText, path: readonly PropertyKey[], key: string): Place => {
  const parent = nodeAt(yaml.document, path);
  const found = isMap(parent) ? pairOf(parent.items, key)?.key : undefined;
  const range = isNode(found) ? found.range : undefined;
  return range ? placeAt(yaml, range[0], range[1]) : placeOf(yaml, path);
};

/** The text of the value at a path, as it was written; `undefined` if there is none. */
export const sourceOf = (
  { text, document }: YamlText,
  path: readonly PropertyKey[],
): string | undefined => {
  const node = nodeAt(document, path);
  return node?.range ? text.slice(node.range[0], node.range[1]).trimEnd() : undefined;
};

/** A range of characters; what goes on to further lines is cut at the end of the first. */
export const placeAt = ({ text, lines }: YamlText, from: number, to: number): Place => {
  const start = Math.min(from, text.length);
  const { line, col } = lines.linePos(start);
  const newline = text.indexOf('\n', start);
  const end = Math.min(Math.max(to, start + 1), newline === -1 ? text.length : newline);
  return { line: Math.max(line, 1), column: Math.max(col, 1), length: Math.max(end - start, 1) };
};

const nodeAt = (document: Document, path: readonly PropertyKey[]): Node | undefined => {
  let node: unknown = document.contents;
  for (const key of path) {
    const target = resolved(document, node);
    if (isMap(target)) node = pairOf(target.items, String(key))?.value;
    else if (isSeq(target)) node = target.items[Number(key)];
    else return undefined;
  }
  return isNode(node) ? node : undefined;
};

/** An alias stands for its anchor where there is more path to walk. */
const resolved = (document: Document, node: unknown): unknown =>
  isNode(node) && 'source' in node && 'resolve' in node && typeof node.resolve === 'function'
    ? (node.resolve as (of: Document) => unknown).call(node, document)
    : node;

const pairOf = (items: readonly Pair[], key: string): Pair | undefined =>
  items.find(({ key: own }) => isScalar(own) && textOf(own.value) === key);

/** A key as a property of an object is called. */
const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value);

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'range' in value;
