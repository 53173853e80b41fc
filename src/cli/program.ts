import { type Argument, Command, CommanderError, type Option } from 'commander';
import { type ExitReason, exitCodes, HostError, SriovctlError } from '../errors.ts';
import { documentText, errorDocument } from '../report/json.ts';
import { problemText } from '../report/problem-text.ts';
import { specProblemText, type WrongSpec } from '../report/spec-problem-text.ts';
import { wrapped } from '../report/wrap.ts';
import { version } from '../version.ts';
import { everyCommand } from './command-tree.ts';
import { commands } from './commands.ts';
import { openStreams, type Streams } from './streams.ts';
import { usageError } from './usage-error.ts';

/** Runs a command line and returns its exit code; the only place that turns errors into text. */
export const main = async (args: readonly string[]): Promise<number> => {
  const streams = openStreams();
  const errorFormat = documentFormatIn(args);
  if (errorFormat !== undefined) streams.errorFormat = errorFormat;
  // A reader that has seen enough (`| head`) is no error.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(streams.exitCode);
      throw error;
    });
  }
  const [name = ''] = args;
  const needed = Object.hasOwn(commands, name) ? [name] : Object.keys(commands);
  const program = await makeProgram(streams, needed);
  try {
    await program.parseAsync(args, { from: 'user' });
    return streams.exitCode;
  } catch (error) {
    return explain(known(error, name), program, streams);
  }
};

/** The format that errors are told in, too; known also where the rest cannot be parsed. */
const documentFormatIn = (args: readonly string[]): Streams['errorFormat'] => {
  const [, format] = /(?:^|\0)(?:-o|--output)[\0=]?(json|yaml)(?:\0|$)/.exec(args.join('\0')) ?? [];
  return (format as Streams['errorFormat']) ?? (args.includes('--json') ? 'json' : undefined);
};

/** A read that failed outside the stages, before anything was changed. */
const known = (error: unknown, command: string): unknown =>
  error instanceof HostError
    ? new SriovctlError(`HOST_${error.errno}`, error.message, {
        exit: command === 'verify' ? 'cannotVerify' : 'failed',
        hint: 'The host could not be read; nothing was changed.',
        cause: error,
      })
    : error;

/** The program with some of its commands, or with all. */
export const makeProgram = async (
  streams: Streams,
  names: readonly string[] = Object.keys(commands),
): Promise<Command> => {
  const root = new Command('sriovctl')
    .description(
      'From a bare SR-IOV network card to Kubernetes pods with their own Virtual Functions: planned, rehearsed, verified.',
    )
    .version(version, '-V, --version')
    .helpCommand(true)
    .addHelpText('after', `\n${exitCodeText()}`);
  for (const name of names) {
    const make = await commands[name]?.();
    if (make !== undefined) root.addCommand(make(streams));
  }
  for (const command of [root, ...everyCommand(root).map((one) => one.command)]) {
    command
      .exitOverride((error) => {
        throw error.code.startsWith('commander.help') || error.exitCode === 0
          ? error
          : usageError(error, command);
      })
      .showSuggestionAfterError(true)
      .helpOption('-h, --help', 'show this help')
      .configureHelp({ optionDescription, subcommandTerm })
      .configureOutput({
        writeOut: (text) => streams.stdout.write(text),
        writeErr: (text) => streams.stderr.write(text),
        // Told like all other errors.
        outputError: () => undefined,
      });
  }
  return root.hook('preAction', (_, command) => {
    streams.debug = command.opts<{ debug?: boolean }>().debug === true;
  });
};

const optionDescription = ({ description, argChoices, defaultValue }: Option): string => {
  const notes = [
    ...(argChoices === undefined ? [] : [argChoices.join(', ')]),
    ...(defaultValue === undefined ? [] : [`default: ${String(defaultValue)}`]),
  ];
  return notes.length === 0 ? description : `${description} (${notes.join('; ')})`;
};

const subcommandTerm = (command: Command): string =>
  [command.name(), ...command.registeredArguments.map(argumentTerm)].join(' ');

const argumentTerm = (argument: Argument): string =>
  argument.required ? `<${argument.name()}>` : `[${argument.name()}]`;

const exitCodeText = (): string =>
  [
    'Exit codes:',
    ...Object.values(exitCodes).map(({ code, meaning }) => `  ${String(code).padEnd(5)}${meaning}`),
  ].join('\n');

/** By its shape, so that the parser of spec files is loaded only by those who need it. */
const isWrongSpec = (error: SriovctlError): error is SriovctlError & WrongSpec =>
  'problems' in error && 'text' in error;

const explain = async (error: unknown, program: Command, streams: Streams): Promise<number> => {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? exitCodes.ok.code : exitCodes.usage.code;
  }
  if (error instanceof SriovctlError) {
    const { code, message, hint, exit } = error;
    const text = isWrongSpec(error)
      ? specProblemText(error)
      : problemText({ code, problem: message, hint });
    streams.stderr.write(`${wrapped(text, streams.stderr.columns)}\n`);
    if (streams.debug === true) streams.stderr.write(`${debugText(error)}\n`);
    await tellAsDocument(error, exit, program, streams);
    return exitCodes[exit].code;
  }
  throw error;
};

/** A program that reads the result finds the reason there, too. */
const tellAsDocument = async (
  error: SriovctlError,
  exit: ExitReason,
  program: Command,
  { stdout, errorFormat }: Streams,
): Promise<void> => {
  if (errorFormat === undefined) return;
  const { code, message, hint } = error;
  const places = isWrongSpec(error)
    ? error.problems.map((place) => ({ code, hint: place.remedy, file: error.file, ...place }))
    : [{ code, problem: message, hint }];
  const command = program.args[0] ?? '';
  stdout.write(await documentText(errorDocument(command, exit, places), errorFormat));
};

const debugText = ({ stack = '', cause }: Error): string =>
  `debug: ${stack}${cause instanceof Error ? `\ndebug: because: ${cause.stack ?? cause.message}` : ''}`;
