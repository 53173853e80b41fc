import { allowedWords, inputSchema, type JsonSchema } from '../spec/json-schema.ts';
import { nodeSpecSchema } from '../spec/node-spec.ts';

/** A key of the spec file, for the reference and for `explain spec`. */
export interface KeyRow {
  readonly key: string;
  readonly value: string;
  readonly meaning: string;
  readonly byDefault: string;
}

/** Every key of a spec, from the schema that parses it. */
export const keyRows = (): readonly KeyRow[] => rowsOf(inputSchema(nodeSpecSchema), '');

const rowsOf = (schema: JsonSchema, path: string): readonly KeyRow[] =>
  Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const key = path === '' ? name : `${path}.${name}`;
    const inside = child.type === 'array' ? child.items : child;
    const nested =
      inside === undefined ? [] : rowsOf(inside, child.type === 'array' ? `${key}[]` : key);
    return [rowOf(key, child, nested.length > 0), ...nested];
  });

const rowOf = (key: string, schema: JsonSchema, nested: boolean): KeyRow => ({
  key,
  value: nested ? (schema.type === 'array' ? 'a list' : 'a mapping') : valueWords(schema),
  meaning: schema.description ?? '',
  byDefault: schema.default === undefined || nested ? '' : JSON.stringify(schema.default),
});

/** A description that stands beside it is not said twice. */
const valueWords = (schema: JsonSchema): string =>
  allowedWords([schema.type === 'string' ? { ...schema, description: undefined } : schema]);
