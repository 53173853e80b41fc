import { Command, CommanderError } from 'commander';
import { exitCodes, SriovctlError } from '../errors.ts';
import { problemText } from '../report/problem-text.ts';
import { specProblemText, type WrongSpec } from '../report/spec-problem-text.ts';
import { version } from '../version.ts';
import { initCommand } from './init.ts';
import { listCommand } from './list.ts';
import { schemaCommand } from './schema.ts';
import { setupCommand } from './setup.ts';
import type { Streams } from './streams.ts';
import { teardownCommand } from './teardown.ts';
import { undoCommand } from './undo.ts';
import { verifyCommand } from './verify.ts';

/** Runs a command line and returns its exit code; the only place that turns errors into text. */
export const main = async (args: readonly string[]): Promise<number> => {
  const streams: Streams = { stdout: process.stdout, stderr: process.stderr, exitCode: 0 };
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(streams.exitCode);
    throw error;
  });
  try {
    await program(streams).parseAsync(args, { from: 'user' });
    return streams.exitCode;
  } catch (error) {
    return explain(error, streams);
  }
};

const program = (streams: Streams): Command => {
  const root = new Command('sriovctl')
    .description(
      'From a bare SR-IOV network card to Kubernetes pods with their own Virtual Functions: planned, rehearsed, verified.',
    )
    .version(version, '-V, --version')
    .helpCommand(true)
    .addHelpText('after', `\n${exitCodeText()}`);
  const commands = [
    setupCommand,
    verifyCommand,
    teardownCommand,
    undoCommand,
    listCommand,
    initCommand,
    schemaCommand,
  ];
  for (const make of commands) root.addCommand(make(streams));
  for (const command of [root, ...root.commands]) {
    command.exitOverride().showHelpAfterError('(see --help)').showSuggestionAfterError(true);
  }
  return root;
};

const exitCodeText = (): string =>
  [
    'Exit codes:',
    ...Object.values(exitCodes).map(({ code, meaning }) => `  ${String(code).padEnd(5)}${meaning}`),
  ].join('\n');

/** By its shape, so that the parser of spec files is loaded only by those who need it. */
const isWrongSpec = (error: SriovctlError): error is SriovctlError & WrongSpec =>
  'problems' in error && 'text' in error;

const explain = (error: unknown, { stderr }: Streams): number => {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? exitCodes.ok.code : exitCodes.usage.code;
  }
  if (error instanceof SriovctlError) {
    const { code, message, hint, exit } = error;
    const text = isWrongSpec(error)
      ? specProblemText(error)
      : problemText({ code, problem: message, hint });
    stderr.write(`${text}\n`);
    return exitCodes[exit].code;
  }
  throw error;
};
