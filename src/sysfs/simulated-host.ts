import { posix } from 'node:path';
import { commandFailed, commandLine, HostError } from '../errors.ts';
import type { Action, Command, CommandResult, Host, HostFs, HostPath, HostView } from '../host.ts';
import { Clock, seededRandom } from './kernel/clock.ts';
import { setEswitch } from './kernel/eswitch.ts';
import type { Deviations, Faults, Kernel } from './kernel/kernel.ts';
import { loadModule } from './kernel/modules.ts';
import { setLinkState } from './kernel/netdev.ts';
import { setVfs } from './kernel/vf-config.ts';
import { writeAttribute } from './kernel/write.ts';
import { commandModels } from './models/command-models.ts';
import { Overlay } from './overlay.ts';
import { netdev } from './paths.ts';

/**
 * What a program does on a simulated host: the writes it would make, or what it would print.
 * `undefined` leaves it to others.
 */
export type CommandModel = (
  command: Command,
  fs: HostFs,
) => Promise<readonly Action[] | CommandResult | undefined>;

/** A cluster that answers for the real one. */
export interface SimulatedCluster {
  apply(action: Extract<Action, { kind: 'object' }>): Promise<void>;
  query(command: Command): Promise<CommandResult>;
}

export interface SimulationOptions {
  /** By a program's base name. They come before the models of this folder. */
  readonly models?: Readonly<Record<string, CommandModel>>;
  /** Made for this host: a cluster's node sees the predicted files. */
  readonly cluster?: (fs: Overlay) => SimulatedCluster;
  readonly faults?: Faults;
  readonly deviations?: Deviations;
}

/** Who answers for programs that the kernel's models know nothing of. */
interface Programs {
  readonly models: Readonly<Record<string, CommandModel>>;
  readonly cluster: SimulatedCluster | undefined;
}

/** A host on which everything can be tried: what it shows is predicted, what it is based on stays as it is. */
export interface SimulatedHost extends Host {
  readonly simulated: true;
  readonly fs: Overlay;
  /** Commands that were to change something and have no model: they are taken to succeed. */
  readonly unmodelled: readonly Command[];
  /** The user of a VF that was held lets it go; a removal that waited for it ends. */
  release(address: string): Promise<void>;
}

/** A copy-on-write view of a host in which a model of the kernel reacts to each write. */
export const simulateHost = (base: HostView, options: SimulationOptions = {}): SimulatedHost => {
  const fs = new Overlay(base.fs);
  const kernel = bootKernel(fs, options);
  const programs: Programs = { models: options.models ?? {}, cluster: options.cluster?.(fs) };
  const unmodelled: Command[] = [];

  const run = async (command: Command): Promise<void> => {
    const answer = await answerOf(kernel, programs, command, base);
    if (answer === undefined) unmodelled.push(command);
    else if (isActions(answer)) for (const action of answer) await perform(action);
    else assertSuccess(command, answer);
  };

  const perform = async (action: Action): Promise<void> => {
    switch (action.kind) {
      case 'attribute':
      case 'trigger':
        return writeAttribute(kernel, action.path, action.value);
      case 'file':
        return writeFile(fs, action);
      case 'remove':
        return removeFile(fs, action.path);
      case 'module':
        return loadModule(kernel, action.module);
      case 'link':
        return setLink(kernel, action.netdev, action.up);
      case 'vf':
        return setVfs(kernel, action);
      case 'eswitch':
        return setEswitch(kernel, action, base);
      case 'command':
      case 'regenerate':
        return run(action.command);
      case 'object':
        if (programs.cluster === undefined) unmodelled.push(action.command);
        return programs.cluster?.apply(action);
    }
  };

  return {
    simulated: true,
    drawnMacs: kernel.drawnMacs,
    ...(base.reachedAt !== undefined && { reachedAt: base.reachedAt }),
    fs,
    unmodelled,
    query: async (command) => {
      const answer = await answerOf(kernel, programs, command, base);
      return answer === undefined || isActions(answer) ? base.query(command) : answer;
    },
    perform,
    now: () => kernel.clock.now,
    wait: (ms) => kernel.clock.advance(ms),
    release: async (address) => {
      kernel.heldVfs.delete(address);
      const goOn = kernel.waiting.get(address);
      kernel.waiting.delete(address);
      await goOn?.();
    },
  };
};

const bootKernel = (fs: Overlay, { faults = {}, deviations = {} }: SimulationOptions): Kernel => ({
  fs,
  clock: new Clock(),
  faults,
  deviations,
  random: seededRandom(1),
  drawnMacs: new Set(),
  dynamicIds: new Map(),
  remembered: new Map(),
  unheard: new Set(),
  heldVfs: new Set(faults.heldVfs),
  deafVfs: new Set(faults.deafVfs),
  vfConfigs: new Map(),
  msixCounts: new Map(),
  newVfs: new Set(),
  eswitches: new Map(),
  log: [],
  aliases: new Map(),
  waiting: new Map(),
  removalWaits: false,
  lastIfindex: undefined,
  firstFreeEth: 0,
});

const answerOf = async (
  kernel: Kernel,
  { models, cluster }: Programs,
  command: Command,
  base: HostView,
): Promise<readonly Action[] | CommandResult | undefined> => {
  const program = posix.basename(command.argv[0]);
  const own = await models[program]?.(command, kernel.fs);
  if (own !== undefined) return own;
  if (program === 'kubectl' && cluster !== undefined) return cluster.query(command);
  return commandModels[program]?.(command, kernel, base);
};

const isActions = (answer: readonly Action[] | CommandResult): answer is readonly Action[] =>
  Array.isArray(answer);

/** The errors of runToSuccess (linux-command.ts). */
const assertSuccess = (command: Command, result: CommandResult): void => {
  if (!result.ran) throw new HostError('ENOENT', commandLine(command), result.because);
  if (result.exitCode !== 0) throw commandFailed(command, result);
};

const writeFile = async (
  fs: Overlay,
  { path, content, mode, owner }: Extract<Action, { kind: 'file' }>,
): Promise<void> => {
  const old = await fs.stat(path);
  if (old === undefined) await fs.mkdir(posix.dirname(path) as HostPath);
  await fs.writeFile(path, content, { ...(mode !== undefined && { mode }), ...owner });
};

const removeFile = async (fs: Overlay, path: HostPath): Promise<void> => {
  const stat = await fs.stat(path);
  if (stat?.kind === 'directory' && ((await fs.list(path))?.length ?? 0) > 0) {
    throw new HostError('ENOTEMPTY', path, 'removing');
  }
  await fs.remove(path);
};

const setLink = async (kernel: Kernel, name: string, up: boolean): Promise<void> => {
  if ((await kernel.fs.stat(netdev(name))) === undefined) {
    const said = `Cannot find device "${name}"`;
    const command = `ip link set dev ${name} ${up ? 'up' : 'down'}`;
    throw new HostError('EXIT', command, `exit code 1: ${said}`);
  }
  await setLinkState(kernel, name, up);
};
