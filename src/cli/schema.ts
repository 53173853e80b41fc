import { Argument, Command } from 'commander';
import { documentText } from '../report/json.ts';
import { addOutputFlags, emit, type OutputFlags } from './output.ts';
import { openSchema, schemaNames } from './schemas.ts';
import type { Streams } from './streams.ts';

/** `sriovctl schema`: what users write and what programs read, as JSON Schemas. */
export const schemaCommand = (streams: Streams): Command =>
  addOutputFlags(new Command('schema'))
    .summary('print the JSON Schema of the spec file or of an output')
    .description(
      'Print the JSON Schema of the spec file, for editors, or of the documents of -o json.',
    )
    .addArgument(new Argument('[of]', 'which one').choices(schemaNames).default('spec'))
    .addHelpText(
      'after',
      '\nExamples:\n  sriovctl schema --out sriovctl.schema.json\n  sriovctl schema run',
    )
    .action(async (of: string, flags: OutputFlags) => {
      const document = await openSchema(of);
      await emit(streams, flags, {
        document,
        texts: { text: () => documentText(document, 'json') },
      });
    });
