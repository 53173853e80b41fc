import { stripVTControlCharacters } from 'node:util';
import chalk from 'chalk';
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';
import { commandLine } from '../errors.ts';
import type { MadeChange } from '../events.ts';
import { linkCommand, moduleCommand } from '../sysfs/commands.ts';
import { describeAction } from '../sysfs/describe-action.ts';
import { eswitchCommand } from '../sysfs/devlink.ts';
import { vfCommandLines } from '../sysfs/vf-link.ts';

/** A change as lines of text: a diff for a file, `path: old → new` for an attribute, argv for a command. */
export const changeText = ({ change, before }: MadeChange): readonly string[] => {
  const { action } = change;
  switch (action.kind) {
    case 'attribute':
      return [
        `${action.path}: ${before ?? '(none)'} → ${JSON.stringify(action.value).slice(1, -1)}`,
      ];
    case 'trigger':
      return [`${action.path} ← ${action.value}`];
    case 'file':
      return fileDiff(action.path, before, action.content);
    case 'remove':
      return fileDiff(action.path, before, undefined);
    case 'module':
      return [`$ ${commandLine(moduleCommand(action.module))}`];
    case 'link':
      return [`$ ${commandLine(linkCommand(action.netdev, action.up))}`];
    case 'vf':
      return vfCommandLines(action).map((argv) => `$ ${commandLine({ argv })}`);
    case 'eswitch':
      return [`$ ${commandLine(eswitchCommand(action))}`];
    case 'command':
    case 'regenerate':
      return [`$ ${commandLine(action.command)}`];
    case 'object':
      return [describeAction(action)];
  }
};

/** The text of a file, of which a line says enough while a run goes on. */
export const isOfFile = ({ change: { action } }: MadeChange): boolean =>
  action.kind === 'file' || action.kind === 'remove';

/** The same on one line where it is a file: what was written is in the plan. */
export const changeSummary = (made: MadeChange): readonly string[] => {
  const { action } = made.change;
  if (action.kind === 'remove') return [`remove ${action.path}`];
  if (action.kind !== 'file') return changeText(made);
  const lines = changeText(made)
    .slice(2)
    .map((line) => stripVTControlCharacters(line));
  const count = (sign: string): number => lines.filter((line) => line.startsWith(sign)).length;
  return made.before === undefined
    ? [`write ${action.path} (${count('+')} lines)`]
    : [`change ${action.path} (+${count('+')} -${count('-')} lines)`];
};

const fileDiff = (
  path: string,
  before: string | undefined,
  after: string | undefined,
): readonly string[] => {
  const from = before === undefined ? '/dev/null' : path;
  const to = after === undefined ? '/dev/null' : path;
  const patch = createTwoFilesPatch(from, to, before ?? '', after ?? '', undefined, undefined, {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
  });
  return patch.trimEnd().split('\n').map(coloured);
};

const coloured = (line: string): string => {
  if (line.startsWith('+')) return chalk.green(line);
  return line.startsWith('-') ? chalk.red(line) : line;
};
