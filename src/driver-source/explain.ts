import { commandLine, type HostError } from '../errors.ts';
import type { Problem } from '../events.ts';
import type { Command } from '../host.ts';
import { unloadedBy } from '../sysfs/commands.ts';

/** What the failure of a command that builds or replaces a module means; `undefined` for any other. */
export const explainCommand = (error: HostError, { argv }: Command): Problem | undefined => {
  if (isBuilding(argv) && error.errno === 'ETIMEDOUT') return timedOut(error, argv);
  if (error.errno !== 'EXIT') return undefined;
  if (isBuilding(argv)) return notBuilt(error);
  const unloaded = unloadedBy({ argv });
  if (unloaded.length === 0) return undefined;
  return {
    code: 'MODULE_IN_USE',
    problem: `${unloaded.join(', ')} cannot be unloaded: ${error.message}`,
    hint: 'End what uses it; `lsmod` names the modules that do.',
  };
};

const isBuilding = (argv: readonly string[]): boolean =>
  argv[0] === 'make' || (argv[0] === 'dkms' && argv[1] === 'build');

const timedOut = (error: HostError, argv: Command['argv']): Problem => ({
  code: 'DRIVER_BUILD_TIMED_OUT',
  problem: `the driver was not built in time: ${error.message}`,
  hint: `Run it by hand to see what takes so long: ${commandLine({ argv })}`,
});

/** What a compiler complains of is above the lines in which make(1) says that it has stopped. */
const notBuilt = (error: HostError): Problem => {
  const lines = error.output.trimEnd().split('\n');
  const telling = lines.filter((line) => /\berror\b|undefined|No such file/i.test(line));
  const shown = (telling.length > 0 ? telling : lines).slice(-8).map((line) => `    ${line}`);
  return {
    code: 'DRIVER_NOT_BUILT',
    problem: `the driver was not built: ${error.subject} ended with an error:\n${shown.join('\n')}`,
    hint: 'The source may be for another kernel: see which kernels it says it is for.',
  };
};
