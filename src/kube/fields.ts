import { isJsonList, isJsonObject, type Json, type JsonObject, listAt, objectAt } from './json.ts';
import type { LiveObject } from './object.ts';

/**
 * Who owns which field of an object, as the API server records it (`metadata.managedFields`,
 * FieldsV1 of structured-merge-diff): a tree of `f:name` for fields, `k:{…}` for list items by their
 * key, and an empty object where ownership ends.
 */
export type FieldTree = JsonObject;

/** One step down an object: a field, or the item of a list by its key. */
export type Segment = string | JsonObject;
export type FieldPath = readonly Segment[];

/** Lists whose items are merged by a key (listMapKey in the API's schema); all others are replaced whole. */
const listKeys: Readonly<Record<string, readonly string[]>> = {
  containers: ['name'],
  initContainers: ['name'],
  volumes: ['name'],
  env: ['name'],
  volumeMounts: ['mountPath'],
  ports: ['containerPort', 'protocol'],
};

/** The key of an item in the list of a field; `undefined` where the list is one value. */
export const itemKey = (field: Segment | undefined, item: Json): JsonObject | undefined => {
  const names = typeof field === 'string' ? listKeys[field] : undefined;
  if (names === undefined || !isJsonObject(item)) return undefined;
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = item[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
};

/** The item with a key; parts of the key that the item leaves to their default do not count. */
export const findItem = (items: readonly Json[], key: JsonObject): JsonObject | undefined =>
  items
    .filter(isJsonObject)
    .find((item) =>
      Object.entries(key).every(([name, value]) => !(name in item) || item[name] === value),
    );

/** A path as a reader would write it: `.spec.template.spec.containers[kube-multus].image`. */
export const formatPath = (path: FieldPath): string =>
  path
    .map((segment) => {
      if (typeof segment !== 'string') return `[${Object.values(segment).map(String).join(',')}]`;
      return /^[\w-]+$/.test(segment) ? `.${segment}` : `[${JSON.stringify(segment)}]`;
    })
    .join('');

/** What owns fields of an object under which name; the status and other subresources aside. */
export interface Owner {
  readonly manager: string;
  readonly applied: boolean;
  readonly fields: FieldTree;
  readonly time: string | undefined;
}

export const ownersOf = (object: LiveObject): readonly Owner[] =>
  listAt(object, 'metadata', 'managedFields').flatMap((entry) => {
    if (!isJsonObject(entry) || typeof entry['manager'] !== 'string') return [];
    if ('subresource' in entry && entry['subresource'] !== '') return [];
    const time = entry['time'];
    return [
      {
        manager: entry['manager'],
        applied: entry['operation'] === 'Apply',
        fields: objectAt(entry, 'fieldsV1'),
        time: typeof time === 'string' ? time : undefined,
      },
    ];
  });

/** What a manager applied; `undefined` if it never did. */
export const appliedBy = (object: LiveObject, manager: string): Owner | undefined =>
  ownersOf(object).find((owner) => owner.applied && owner.manager === manager);

export const ownsPath = (fields: FieldTree, path: FieldPath): boolean => {
  let node: FieldTree = fields;
  for (const segment of path) {
    const next = childOf(node, segment);
    if (next === undefined) return false;
    node = next;
    if (Object.keys(node).length === 0) return true;
  }
  return true;
};

const childOf = (node: FieldTree, segment: Segment): FieldTree | undefined => {
  if (typeof segment === 'string') {
    const child = node[`f:${segment}`];
    return isJsonObject(child) ? child : undefined;
  }
  for (const [name, child] of Object.entries(node)) {
    const key = keyOf(name);
    if (key !== undefined && findItem([key], segment) !== undefined && isJsonObject(child)) {
      return child;
    }
  }
  return undefined;
};

const keyOf = (name: string): JsonObject | undefined => {
  if (!name.startsWith('k:')) return undefined;
  const key = JSON.parse(name.slice(2)) as Json;
  return isJsonObject(key) ? key : undefined;
};

/** Owned fields that an object does not have: what applying it would give up, and so remove. */
export const abandonedPaths = (
  fields: FieldTree,
  value: Json | undefined,
  path: FieldPath = [],
): readonly FieldPath[] =>
  Object.entries(fields).flatMap(([name, child]) => {
    if (name === '.' || !isJsonObject(child)) return [];
    const [segment, below] = step(name, value);
    if (segment === undefined) return [];
    const here = [...path, segment];
    const isWhole = typeof segment !== 'string' || Object.keys(child).length === 0;
    if (isWhole && below === undefined) return [here];
    return abandonedPaths(child, below, here);
  });

const step = (name: string, value: Json | undefined): [Segment | undefined, Json | undefined] => {
  if (name.startsWith('f:')) {
    const field = name.slice(2);
    return [field, isJsonObject(value) ? value[field] : undefined];
  }
  const key = keyOf(name);
  return key === undefined
    ? [undefined, undefined]
    : [key, isJsonList(value) ? findItem(value, key) : undefined];
};

/** The tree of an object's own fields, as the API server would record it for who applies them. */
export const fieldsOf = (object: JsonObject): FieldTree => {
  const { metadata = {}, ...rest } = except(object, ['apiVersion', 'kind']);
  const owned = except(isJsonObject(metadata) ? metadata : {}, ['name', 'namespace']);
  return {
    ...(Object.keys(owned).length > 0 && { 'f:metadata': treeOf(owned, 'metadata') }),
    ...treeOf(rest, undefined),
  };
};

const except = (object: JsonObject, names: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

const treeOf = (value: Json, field: string | undefined): FieldTree => {
  if (isJsonObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([name, child]) => [`f:${name}`, treeOf(child, name)]),
    );
  }
  if (!isJsonList(value)) return {};
  return Object.fromEntries(
    value.flatMap((item) => {
      const key = itemKey(field, item);
      return key === undefined ? [] : [[`k:${JSON.stringify(key)}`, treeOf(item, undefined)]];
    }),
  );
};

/** The part of a value that a tree names; an item keeps the key it is found by. */
export const extract = (value: Json, fields: FieldTree): Json => {
  const names = Object.keys(fields).filter((name) => name !== '.');
  if (names.length === 0) return value;
  if (isJsonObject(value)) {
    return Object.fromEntries(
      names.flatMap((name) => {
        const field = name.slice(2);
        const child = value[field];
        if (child === undefined) return [];
        const part = extract(child, objectAt(fields, name));
        return isEmpty(part) && !isEmpty(child) ? [] : [[field, part]];
      }),
    );
  }
  if (!isJsonList(value)) return value;
  return names.flatMap((name) => {
    const key = keyOf(name);
    const item = key === undefined ? undefined : findItem(value, key);
    if (key === undefined || item === undefined) return [];
    const part = extract(item, objectAt(fields, name));
    return [isJsonObject(part) ? { ...key, ...part } : part];
  });
};

const isEmpty = (value: Json): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

export const mergeFields = (a: FieldTree, b: FieldTree): FieldTree => {
  const merged: Record<string, Json> = { ...a };
  for (const [name, child] of Object.entries(b)) {
    const own = merged[name];
    merged[name] = isJsonObject(own) && isJsonObject(child) ? mergeFields(own, child) : child;
  }
  return merged;
};
