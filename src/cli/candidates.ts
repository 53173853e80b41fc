import type { Command, Option } from 'commander';
import { steps } from '../steps/index.ts';
import { listPfs } from '../sysfs/pci-device.ts';
import { codes } from './codes.ts';
import { openHost } from './host.ts';
import { schemaNames } from './schemas.ts';

export interface Candidate {
  readonly word: string;
  readonly about?: string;
}

/** Tells a shell to complete the names of files by itself. */
const files: readonly Candidate[] = [{ word: ':files' }];

/** Flags that may be given again. */
const repeatable = ['--pf', '--vfs', '--only', '--skip', '--node-label', '--kernel-arg'];

/** The words that may stand where the last of `words` is being typed. */
export const candidates = async (
  program: Command,
  words: readonly string[],
): Promise<readonly Candidate[]> => {
  const [name = '', ...rest] = words;
  const typed = rest.at(-1);
  if (typed === undefined) return fitting(commandNames(program), name);
  const command = program.commands.find((one) => one.name() === name);
  if (name === 'help') return fitting(commandNames(program), typed);
  if (command === undefined) return [];
  const before = rest.slice(0, -1);
  const option = optionOf(command, before.at(-1));
  const found =
    option === undefined
      ? typed.startsWith('-')
        ? flagsOf(command, before)
        : await argumentsOf(command, before)
      : await valuesOf(option, typed, before);
  return found === files ? files : fitting(found, typed);
};

const commandNames = (program: Command): readonly Candidate[] => [
  ...program.commands.map((command) => ({ word: command.name(), about: command.summary() })),
  { word: 'help', about: 'show the help of a command' },
];

/** The option that waits for its value. */
const optionOf = (command: Command, word: string | undefined): Option | undefined =>
  command.options.find(
    ({ required, short, long }) =>
      required && word !== undefined && (word === short || word === long),
  );

const flagsOf = (command: Command, before: readonly string[]): readonly Candidate[] =>
  [
    ...command.options.map(({ long, description }) => ({ long, description })),
    { long: '--help', description: 'show the help' },
  ].flatMap(({ long, description }) =>
    long == null || (before.includes(long) && !repeatable.includes(long))
      ? []
      : [{ word: long, about: description }],
  );

const valuesOf = async (
  { long, argChoices }: Option,
  typed: string,
  before: readonly string[],
): Promise<readonly Candidate[]> => {
  if (argChoices !== undefined) return argChoices.map((word) => ({ word }));
  switch (long) {
    case '--pf':
      return pfs(before);
    case '--only':
    case '--skip': {
      const given = typed.slice(0, typed.lastIndexOf(',') + 1);
      return steps.map(({ id, title }) => ({ word: `${given}${id}`, about: title }));
    }
    case '--vfs':
      return counts(before);
    case '--config':
    case '--out':
    case '--kubeconfig':
    case '--simulate':
    case '--simulate-out':
      return files;
    default:
      return [];
  }
};

const argumentsOf = async (
  command: Command,
  before: readonly string[],
): Promise<readonly Candidate[]> => {
  const [argument] = command.registeredArguments;
  if (argument === undefined) return [];
  if (argument.argChoices !== undefined) return argument.argChoices.map((word) => ({ word }));
  switch (command.name()) {
    case 'show':
      return pfs(before);
    case 'explain':
      return codes().map(({ code, means }) => ({ word: code, about: means }));
    case 'schema':
      return schemaNames.map((word) => ({ word }));
    default:
      return files;
  }
};

/** PFs by name and by address; of the captured tree, where one is named. */
const pfs = async (before: readonly string[]): Promise<readonly Candidate[]> =>
  (await pfsOf(before)).flatMap(({ netdev, address, vendor, device, sriov }) => {
    const about = `${vendor}:${device}, up to ${sriov.totalVfs} VFs`;
    return [...(netdev === undefined ? [] : [netdev]), address].map((word) => ({ word, about }));
  });

/** Every number of VFs that the PF before it can have. */
const counts = async (before: readonly string[]): Promise<readonly Candidate[]> => {
  const name = before[before.lastIndexOf('--pf') + 1];
  const pf = (await pfsOf(before)).find(({ netdev, address }) => [netdev, address].includes(name));
  return Array.from({ length: pf?.sriov.totalVfs ?? 0 }, (_, index) => ({ word: `${index + 1}` }));
};

const pfsOf = async (before: readonly string[]): ReturnType<typeof listPfs> => {
  const at = before.indexOf('--simulate');
  const { fs } = await openHost(at === -1 ? undefined : before[at + 1]);
  return listPfs(fs);
};

const fitting = (found: readonly Candidate[], typed: string): readonly Candidate[] =>
  found.filter(({ word }) => word.startsWith(typed));
