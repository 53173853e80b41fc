import type { Command } from 'commander';

export interface NamedCommand {
  /** As it is typed after the name of the program: `kube render`. */
  readonly path: string;
  readonly command: Command;
}

/** Every command below one, in the order of the help; a command comes before those below it. */
export const everyCommand = (above: Command, path = ''): readonly NamedCommand[] =>
  above.commands.flatMap((command) => {
    const own = `${path} ${command.name()}`.trimStart();
    return [{ path: own, command }, ...everyCommand(command, own)];
  });
