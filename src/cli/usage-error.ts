import type { Command, CommanderError } from 'commander';
import { SriovctlError } from '../errors.ts';

/** What commander says of a command line that it cannot take, in the form of all other errors. */
export const usageError = (error: CommanderError, command: Command): SriovctlError => {
  const [said = '', ...proposals] = error.message.replace(/^error: /, '').split('\n');
  const [, what = said, allowed] = /^(.* is invalid[^.]*)\. (.*)$/.exec(said) ?? [];
  const [, meant] = /\((Did you mean .*\?)\)/.exec(proposals.join(' ')) ?? [];
  const hints = [allowed, meant, `See \`${fullName(command)} --help\`.`];
  return new SriovctlError('BAD_USAGE', what, {
    exit: 'usage',
    hint: hints.filter((hint) => hint !== undefined).join(' '),
    cause: error,
  });
};

const fullName = (command: Command): string =>
  command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
