import { type FieldPath, findItem, itemKey, type Segment } from './fields.ts';
import { isJsonList, isJsonObject, type Json } from './json.ts';

/** A field that is not as wanted; `live` is missing where the field is. */
export interface Difference {
  readonly path: FieldPath;
  readonly wanted: Json;
  readonly live?: Json;
}

/**
 * The wanted fields that a live object lacks or has otherwise. What else it has, the server's
 * defaults and other people's fields, does not count.
 */
export const differences = (
  wanted: Json,
  live: Json | undefined,
  path: FieldPath = [],
): readonly Difference[] => {
  if (isJsonObject(wanted) && isJsonObject(live)) {
    return Object.entries(wanted).flatMap(([field, value]) =>
      differences(value, live[field], [...path, field]),
    );
  }
  if (isJsonList(wanted) && isJsonList(live)) return listDifferences(wanted, live, path);
  if (wanted === live) return [];
  return [{ path, wanted, ...(live !== undefined && { live }) }];
};

const listDifferences = (
  wanted: readonly Json[],
  live: readonly Json[],
  path: FieldPath,
): readonly Difference[] => {
  const field = path.at(-1);
  const keys = wanted.map((item) => itemKey(field, item));
  if (keys.length > 0 && keys.every((key) => key !== undefined)) {
    return wanted.flatMap((item, at) => {
      const key = keys[at] as Exclude<Segment, string>;
      return differences(item, findItem(live, key), [...path, key]);
    });
  }
  const same =
    wanted.length === live.length &&
    wanted.every((item, at) => differences(item, live[at], []).length === 0);
  return same ? [] : [{ path, wanted, live }];
};
