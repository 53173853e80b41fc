export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

export const isJsonObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isJsonList = (value: Json | undefined): value is readonly Json[] =>
  Array.isArray(value);

/** A typed object as it goes over the wire: what is `undefined` is not there. */
export const toJson = (value: object): JsonObject =>
  JSON.parse(JSON.stringify(value)) as JsonObject;

/** Text from outside; `undefined` if it is no JSON. */
export const parseJson = (text: string): Json | undefined => {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
};

/** What stands below a chain of keys; `undefined` as soon as one is missing. */
export const at = (value: Json | undefined, ...keys: readonly string[]): Json | undefined => {
  let here = value;
  for (const key of keys) here = isJsonObject(here) ? here[key] : undefined;
  return here;
};

export const textAt = (value: Json | undefined, ...keys: readonly string[]): string | undefined => {
  const found = at(value, ...keys);
  return typeof found === 'string' ? found : undefined;
};

export const listAt = (value: Json | undefined, ...keys: readonly string[]): readonly Json[] => {
  const found = at(value, ...keys);
  return isJsonList(found) ? found : [];
};

export const objectAt = (value: Json | undefined, ...keys: readonly string[]): JsonObject => {
  const found = at(value, ...keys);
  return isJsonObject(found) ? found : {};
};
