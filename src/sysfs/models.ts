import type { Command, CommandResult, HostView } from '../host.ts';
import type { Kernel } from './kernel/kernel.ts';

/** What a program that is only asked would answer on a simulated host; `undefined` if that is not known. */
export type QueryModel = (
  command: Command,
  kernel: Kernel,
  base: HostView | undefined,
) => Promise<CommandResult | undefined>;

const printed = (stdout: string): CommandResult => ({ ran: true, exitCode: 0, stdout, stderr: '' });

/** Models of programs by their name. */
export const commandModels: Readonly<Record<string, QueryModel>> = {
  udevadm: async ({ argv }, { clock }) => {
    if (argv[1] !== 'settle') return undefined;
    await clock.settle();
    return printed('');
  },
};
