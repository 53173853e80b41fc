import { SriovctlError } from '../errors.ts';
import type { documents } from '../report/documents.ts';

type Schema = Readonly<Record<string, unknown>>;

const documentNames = [
  'run',
  'plan',
  'list',
  'show',
  'explain',
  'end',
  'findings',
  'diff',
  'error',
] as const satisfies (keyof typeof documents)[];

/** The words for `sriovctl schema`. */
export const schemaNames: readonly string[] = ['spec', ...documentNames];

export const openSchema = async (name: string): Promise<Schema> => {
  if (name === 'spec') return { ...(await import('../spec/spec-file.ts')).specFileJsonSchema() };
  const document = documentNames.find((known) => known === name);
  if (document !== undefined) {
    return (await import('../report/documents.ts')).documentJsonSchema(document);
  }
  throw new SriovctlError('NO_SUCH_SCHEMA', `there is no schema ${name}`, {
    exit: 'usage',
    hint: `Schemas: ${schemaNames.join(', ')}.`,
  });
};
