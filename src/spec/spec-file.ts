import * as z from 'zod';
import { inputSchema, type JsonSchema } from './json-schema.ts';
import { type NodeSpecInput, nodeSpecSchema } from './node-spec.ts';

const matchSchema = z
  .strictObject({
    hostname: z
      .string()
      .min(1)
      .describe('the hostname of the nodes it is for; * stands for any characters, ? for one')
      .optional(),
    labels: z
      .record(z.string(), z.string())
      .describe('labels that a node must have, each with a value in which * and ? stand for others')
      .optional(),
  })
  .refine(({ hostname, labels }) => hostname !== undefined || labels !== undefined, {
    message: 'names neither a hostname nor labels',
  })
  .describe('a mapping with hostname or labels, or both: then a node must fit both');

const nodesSchema = z.strictObject({
  nodes: z
    .array(
      z.strictObject({
        match: matchSchema
          .optional()
          .describe('Which nodes it is for; without it, all that are left.'),
        spec: nodeSpecSchema,
      }),
    )
    .min(1)
    .describe('Specs of several nodes; the first whose `match` fits holds.'),
});

export type NodeMatch = z.output<typeof matchSchema>;

/** A file is the spec of one node, or the specs of several. */
export type SpecFile =
  | { readonly kind: 'one'; readonly spec: NodeSpecInput }
  | {
      readonly kind: 'several';
      readonly nodes: readonly {
        readonly match?: NodeMatch | undefined;
        readonly spec: NodeSpecInput;
      }[];
    };

/** Which of the two forms a file has: decided by a key, so that errors speak of that form alone. */
export const schemaFor = (value: unknown): z.ZodType =>
  typeof value === 'object' && value !== null && 'nodes' in value ? nodesSchema : nodeSpecSchema;

/** A value that has passed `schemaFor` it; the defaults of a spec are filled in after flags. */
export const asSpecFile = (value: unknown): SpecFile => {
  const file = value as NodeSpecInput | z.input<typeof nodesSchema>;
  return 'nodes' in file ? { kind: 'several', nodes: file.nodes } : { kind: 'one', spec: file };
};

/** The published schema of the file, for editors and for `sriovctl schema`. */
export const specFileJsonSchema = (): JsonSchema & Readonly<Record<string, unknown>> => {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: 'sriovctl-spec-v1.json',
    title: 'The spec file of sriovctl',
    description: 'The wanted SR-IOV state of one node, or of several under `nodes`.',
    anyOf: [nodeSpecSchema, nodesSchema].map((form) => ({
      ...inputSchema(form),
      $schema: undefined,
    })),
  };
};
