import type { Command, CommandResult, HostView } from '../../host.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { coreutilsModels } from './coreutils.ts';
import { devlinkModel } from './devlink.ts';
import { ipModel } from './ip.ts';
import { lspciModel } from './lspci.ts';
import { modinfoModel } from './modinfo.ts';
import { modprobeModel } from './modprobe.ts';
import { printed } from './printed.ts';
import { setpciModel } from './setpci.ts';
import { tarModel } from './tar.ts';

/**
 * What a program would answer on a simulated host, in the words of the real one, so that the same code
 * reads both; `undefined` if that is not known. `base` is the host below the simulation.
 */
export type QueryModel = (
  command: Command,
  kernel: Kernel,
  base: HostView,
) => Promise<CommandResult | undefined>;

/** Models of programs by their name. */
export const commandModels: Readonly<Record<string, QueryModel>> = {
  dmesg: async (command, { log }, base) => {
    const below = await base.query(command);
    if (log.length === 0) return below;
    const lines = log.map(
      ({ at, message }) => `[${(at / 1000).toFixed(6).padStart(12)}] ${message}\n`,
    );
    return printed(`${below.ran ? below.stdout : ''}${lines.join('')}`);
  },
  ...coreutilsModels,
  devlink: devlinkModel,
  ip: ipModel,
  lspci: lspciModel,
  modinfo: modinfoModel,
  modprobe: modprobeModel,
  setpci: setpciModel,
  tar: tarModel,
  udevadm: async ({ argv }, { clock }) => {
    if (argv[1] !== 'settle') return undefined;
    await clock.settle();
    return printed('');
  },
};
