import type { Command } from 'commander';
import { exitCodes } from '../errors.ts';
import { steps } from '../steps/index.ts';
import { codes } from './codes.ts';
import { everyCommand, type NamedCommand } from './command-tree.ts';
import { schemaNames } from './schemas.ts';
import { keyRows } from './spec-keys.ts';

/** docs/reference.md: every command, flag, key, stage and code, from the code itself. */
export const referenceMarkdown = (program: Command): string =>
  [
    '# Reference',
    'Generated from the code by `node scripts/make-docs.mjs`; changes belong there.',
    '## Commands',
    ...everyCommand(program).map(commandSection),
    '## The spec file',
    'Read with `--config FILE`, and from `/etc/sriovctl/node.yaml` when that exists and no `--pf` is given. Flags override it. `sriovctl init` writes one, `sriovctl schema` prints its JSON Schema.',
    'A file is the spec of one node, or a list `nodes` in which the first entry whose `match` (`hostname`, `labels`; `*` and `?` stand for other characters) fits holds, with the keys below under its `spec`.',
    table(
      ['key', 'value', 'meaning', 'default'],
      keyRows().map(({ key, value, meaning, byDefault }) => [
        code(key),
        value,
        meaning,
        byDefault === '' ? '' : code(byDefault),
      ]),
    ),
    '## Stages',
    stagesTable(),
    '## Exit codes',
    exitCodesTable(),
    '## Error codes and checks',
    'Those in capitals are errors, the others checks; `sriovctl explain CODE` prints the same.',
    table(
      ['code', 'meaning', 'remedy'],
      codes().map((one) => [code(one.code), one.means, one.remedy]),
    ),
    '## Output for programs',
    outputSection(),
    '## Environment',
    table(
      ['variable', 'meaning'],
      [
        ['`NO_COLOR`', 'no colour'],
        ['`FORCE_COLOR`', 'colour although the output is no terminal'],
        ['`TERM=dumb`', 'no colour, no spinner, ASCII alone'],
        ['`LC_ALL`, `LC_CTYPE`, `LANG`', 'ASCII alone where the first that is set names no UTF-8'],
        ['`SRIOVCTL_WRITE_TIMEOUT`', 'seconds that the kernel may take for one write to a card'],
      ],
    ),
  ]
    .join('\n\n')
    .concat('\n');

const outputSection = (): string =>
  [
    `\`-o json\` and \`-o yaml\` print one document; \`sriovctl schema NAME\` prints its JSON Schema: ${schemaNames.slice(1).map(code).join(', ')}.`,
    'The document of `init` is a spec, that of `schema` a schema; those of `kube render` and `kube rbac` are objects of Kubernetes.',
    '`schema` in a document names its version: within a version keys are added, never taken away.',
    '`verify` also prints `junit`, `tap`, `github`, `sarif` and `markdown`, `list` prints `dot`, `mermaid` and `svg`.',
    'stdout carries the result and nothing else.',
  ].join(' ');

export const stagesTable = (): string =>
  table(
    ['stage', 'what it makes true'],
    steps.map(({ id, title }) => [code(id), title]),
  );

export const exitCodesTable = (): string =>
  table(
    ['code', 'meaning'],
    Object.values(exitCodes).map((row) => [String(row.code), row.meaning]),
  );

const commandSection = ({ path, command }: NamedCommand): string => {
  const help = command.createHelp();
  const names = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
  const options = help
    .visibleOptions(command)
    .map((option) => [code(help.optionTerm(option)), help.optionDescription(option)]);
  return [
    `### ${path}`,
    command.description(),
    `\`\`\`\nsriovctl ${[path, ...names, '[options]'].join(' ')}\n\`\`\``,
    table(['option', 'meaning'], options),
    `\`\`\`console\n${examplesOf(command)
      .map((line) => `$ ${line}`)
      .join('\n')}\n\`\`\``,
  ].join('\n\n');
};

/** The example lines of a command's help. */
export const examplesOf = (command: Command): readonly string[] => {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  const [, examples = ''] = text.split('Examples:\n');
  return examples
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('sriovctl '));
};

const table = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [
    header,
    header.map(() => '---'),
    ...rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|'))),
  ]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');

const code = (text: string): string => `\`${text}\``;
