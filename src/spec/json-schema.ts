import * as z from 'zod';

/** The part of a JSON Schema that words and tables are made from. */
export interface JsonSchema {
  readonly $schema?: string | undefined;
  readonly type?: string;
  readonly description?: string | undefined;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
}

/** What a user may write, as a JSON Schema (draft 7, which every editor knows). */
export const inputSchema = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    reused: 'inline',
    unrepresentable: 'any',
  }) as JsonSchema;

/** The schemas that may hold at a path: several where there are alternatives. */
export const schemasAt = (
  schema: JsonSchema,
  path: readonly PropertyKey[],
): readonly JsonSchema[] => {
  const alternatives = alternativesOf(schema);
  const [key, ...rest] = path;
  if (key === undefined) return alternatives;
  return alternatives.flatMap((alternative) => {
    const next = childOf(alternative, key);
    return next === undefined ? [] : schemasAt(next, rest);
  });
};

/** What is allowed in words, for example `a whole number from 0 to 65535`. */
export const allowedWords = (schemas: readonly JsonSchema[]): string => {
  const words = [...new Set(schemas.map(wordsOf))];
  return words.length === 0 ? 'something else' : words.join(', or ');
};

/** Keys a mapping may have; empty where any are allowed. */
export const keysOf = (schemas: readonly JsonSchema[]): readonly string[] => [
  ...new Set(schemas.flatMap(({ properties }) => Object.keys(properties ?? {}))),
];

const alternativesOf = (schema: JsonSchema): readonly JsonSchema[] =>
  schema.anyOf === undefined ? [schema] : schema.anyOf.flatMap(alternativesOf);

const childOf = (schema: JsonSchema, key: PropertyKey): JsonSchema | undefined => {
  if (typeof key === 'number') return schema.items;
  const own = Object.hasOwn(schema.properties ?? {}, key)
    ? schema.properties?.[String(key)]
    : undefined;
  const { additionalProperties } = schema;
  return own ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
};

const wordsOf = (schema: JsonSchema): string => {
  const values = schema.const === undefined ? schema.enum : [schema.const];
  if (values !== undefined) {
    const [only] = values;
    return values.length === 1 ? String(only) : `one of ${values.map(String).join(', ')}`;
  }
  const words = schema.type === undefined ? undefined : typeWords[schema.type];
  return words?.(schema) ?? schema.description ?? 'something else';
};

const typeWords: Readonly<Record<string, (schema: JsonSchema) => string>> = {
  integer: (schema) => `a whole number${boundsOf(schema)}`,
  number: (schema) => `a number${boundsOf(schema)}`,
  boolean: () => 'true or false',
  null: () => 'nothing',
  array: ({ minItems }) => `a list${minItems === undefined ? '' : ` of at least ${minItems}`}`,
  object: ({ properties = {} }) => {
    const keys = Object.keys(properties);
    return keys.length === 0 ? 'a mapping' : `a mapping with the keys ${keys.join(', ')}`;
  },
  string: ({ description }) => (description === undefined ? 'text' : `text (${description})`),
};

/** Bounds at the end of what JavaScript counts exactly are no bounds a user set. */
const boundsOf = ({ minimum = -Infinity, maximum = Infinity }: JsonSchema): string => {
  const from = minimum <= Number.MIN_SAFE_INTEGER ? undefined : minimum;
  const to = maximum >= Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (from !== undefined && to !== undefined) return ` from ${from} to ${to}`;
  if (from !== undefined) return ` of at least ${from}`;
  return to === undefined ? '' : ` of at most ${to}`;
};
