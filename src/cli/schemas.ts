import { SriovctlError } from '../errors.ts';

type Schema = Readonly<Record<string, unknown>>;

const schemas: Readonly<Record<string, () => Promise<Schema>>> = {
  spec: async () => ({ ...(await import('../spec/spec-file.ts')).specFileJsonSchema() }),
};

/** The words for `sriovctl schema`. */
export const schemaNames: readonly string[] = Object.keys(schemas);

export const openSchema = async (name: string): Promise<Schema> => {
  const open = schemas[name];
  if (open !== undefined) return open();
  throw new SriovctlError('NO_SUCH_SCHEMA', `there is no schema ${name}`, {
    exit: 'usage',
    hint: `Schemas: ${schemaNames.join(', ')}.`,
  });
};
