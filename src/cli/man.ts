import type { Command } from 'commander';
import { exitCodes } from '../errors.ts';
import { version } from '../version.ts';
import { everyCommand, type NamedCommand } from './command-tree.ts';
import { examplesOf } from './reference.ts';

/** A man page: its file name and its roff. */
export interface ManPage {
  readonly name: string;
  readonly text: string;
}

/** sriovctl(8) and a page for each command, from the program that parses the command line. */
export const manPages = (program: Command): readonly ManPage[] => [
  { name: 'sriovctl.8', text: mainPage(program) },
  ...everyCommand(program).map((one) => ({
    name: `${pageName(one.path)}.8`,
    text: commandPage(one),
  })),
];

const pageName = (path: string): string => `sriovctl-${path.replaceAll(' ', '-')}`;

const mainPage = (program: Command): string =>
  page('sriovctl', 'set up SR-IOV Virtual Functions', [
    section('SYNOPSIS', [`.B sriovctl\n.I command\n[options]`]),
    section('DESCRIPTION', [roff(program.description())]),
    commandsSection(everyCommand(program).filter(({ path }) => !path.includes(' '))),
    exitSection(),
    section('FILES', [
      tagged('/etc/sriovctl/node.yaml', 'the spec of this node, read when no PF is named'),
      tagged('/var/lib/sriovctl/runs', 'records of the runs that changed this host'),
    ]),
    section('SEE ALSO', ['.BR ip-link (8),\n.BR lspci (8),\n.BR devlink (8)']),
  ]);

const commandsSection = (commands: readonly NamedCommand[]): string =>
  section(
    'COMMANDS',
    commands.map(({ path, command }) => tagged(`${pageName(path)}(8)`, command.summary())),
  );

const commandPage = ({ path, command }: NamedCommand): string => {
  const help = command.createHelp();
  const names = command.registeredArguments.map((argument) => `\n.I ${roff(argument.name())}`);
  const examples = examplesOf(command);
  const below = everyCommand(command, path);
  return page(pageName(path), command.summary(), [
    section('SYNOPSIS', [`.B sriovctl ${path}${names.join('')}\n[options]`]),
    section('DESCRIPTION', [roff(command.description())]),
    ...(below.length === 0 ? [] : [commandsSection(below)]),
    section(
      'OPTIONS',
      help
        .visibleOptions(command)
        .map((option) => tagged(help.optionTerm(option), help.optionDescription(option))),
    ),
    ...(examples.length === 0
      ? []
      : [section('EXAMPLES', [`.nf\n${examples.map(roff).join('\n')}\n.fi`])]),
    exitSection(),
    section('SEE ALSO', ['.BR sriovctl (8)']),
  ]);
};

const exitSection = (): string =>
  section(
    'EXIT STATUS',
    Object.values(exitCodes).map(({ code, meaning }) => tagged(String(code), meaning)),
  );

const page = (name: string, about: string, sections: readonly string[]): string =>
  [
    `.TH ${name.toUpperCase()} 8 "" "sriovctl ${version}"`,
    section('NAME', [`${roff(name)} \\- ${roff(about)}`]),
    ...sections,
    '',
  ].join('\n');

const section = (title: string, blocks: readonly string[]): string =>
  [`.SH ${title}`, ...blocks].join('\n');

const tagged = (term: string, text: string): string => `.TP\n.B ${roff(term)}\n${roff(text)}`;

/** Text in which nothing is a request, an escape or a typographic hyphen. */
const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/→/g, '\\(->')
    .replace(/^([.'])/gm, '\\&$1');
