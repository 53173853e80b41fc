import { differences } from '../difference.ts';
import {
  abandonedPaths,
  appliedBy,
  type FieldPath,
  fieldsOf,
  findItem,
  formatPath,
  itemKey,
  ownersOf,
  ownsPath,
  type Segment,
} from '../fields.ts';
import { isJsonList, isJsonObject, type Json, type JsonObject, listAt } from '../json.ts';
import type { LiveObject } from '../object.ts';

export interface Application {
  readonly object: LiveObject;
  readonly manager: string;
  readonly force: boolean;
  /** In RFC 3339. */
  readonly time: string;
}

/** What the API server makes of an object that is applied over a live one; words for a conflict. */
export const serverSideApply = (
  live: LiveObject | undefined,
  { object, manager, force, time }: Application,
): LiveObject | { readonly conflict: string } => {
  if (live === undefined) return { ...object, metadata: withOwner(object, object, manager, time) };
  const conflicts = force ? [] : conflictsOf(live, object, manager);
  if (conflicts.length > 0) {
    const count = `${conflicts.length} conflict${conflicts.length === 1 ? '' : 's'}`;
    return { conflict: `Apply failed with ${count}: ${conflicts.join(', ')}` };
  }
  const own = appliedBy(live, manager);
  const others = ownersOf(live).filter((owner) => owner.manager !== manager || !owner.applied);
  let result: Json = live;
  for (const path of own === undefined ? [] : abandonedPaths(own.fields, object)) {
    if (!others.some(({ fields }) => ownsPath(fields, path))) result = without(result, path);
  }
  const merged = merge(result, object, undefined) as LiveObject;
  return { ...merged, metadata: withOwner(merged, object, manager, time) };
};

const conflictsOf = (live: LiveObject, object: LiveObject, manager: string): readonly string[] =>
  differences(object, live).flatMap(({ path }) =>
    ownersOf(live)
      .filter((owner) => owner.manager !== manager || !owner.applied)
      .filter(({ fields }) => ownsPath(fields, path))
      .map((owner) => `conflict with "${owner.manager}": ${formatPath(path)}`),
  );

const withOwner = (
  object: LiveObject,
  applied: LiveObject,
  manager: string,
  time: string,
): LiveObject['metadata'] & JsonObject => {
  const entries = listAt(object, 'metadata', 'managedFields').filter(
    (entry) =>
      !isJsonObject(entry) || entry['manager'] !== manager || entry['operation'] !== 'Apply',
  );
  const fieldsV1 = fieldsOf(applied);
  const entry = { manager, operation: 'Apply', fieldsType: 'FieldsV1', fieldsV1, time };
  const metadata = object.metadata as LiveObject['metadata'] & JsonObject;
  const owned = Object.keys(fieldsV1).length > 0 ? [entry] : [];
  return { ...metadata, managedFields: [...entries, ...owned] };
};

const merge = (live: Json | undefined, wanted: Json, field: Segment | undefined): Json => {
  if (isJsonObject(live) && isJsonObject(wanted)) {
    const merged: Record<string, Json> = { ...live };
    for (const [name, value] of Object.entries(wanted)) {
      merged[name] = merge(live[name], value, name);
    }
    return merged;
  }
  if (!isJsonList(live) || !isJsonList(wanted)) return wanted;
  const keys = wanted.map((item) => itemKey(field, item));
  if (keys.includes(undefined)) return wanted;
  const items = wanted.map((item, at) =>
    merge(findItem(live, keys[at] as JsonObject), item, undefined),
  );
  const kept = live.filter((item) => {
    const key = itemKey(field, item);
    return key === undefined || findItem(wanted, key) === undefined;
  });
  return [...kept, ...items];
};

const without = (value: Json, [segment, ...rest]: FieldPath): Json => {
  if (segment === undefined) return value;
  if (typeof segment === 'string') {
    if (!isJsonObject(value)) return value;
    const { [segment]: child, ...others } = value;
    if (child === undefined || rest.length === 0) return others;
    return { ...value, [segment]: without(child, rest) };
  }
  if (!isJsonList(value)) return value;
  const item = findItem(value, segment);
  return rest.length === 0
    ? value.filter((one) => one !== item)
    : value.map((one) => (one === item ? without(one, rest) : one));
};
