import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { AgentChannel } from './agent.ts';
import {
  type Argv,
  type BackgroundProcess,
  type CommandOptions,
  mustRun,
  type RunOptions,
  type RunResult,
  run,
  start,
} from './command.ts';
import {
  firmwareVariablesTemplate,
  type Hardware,
  type MachineFiles,
  qemuArguments,
} from './qemu.ts';
import { onQemuEvent } from './qmp.ts';

/** A bootable disk, and its kernel and initrd for booting without firmware. */
export interface Image {
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
}

export interface MachineOptions extends Partial<Hardware> {
  /** The folder that the guest sees as /opt/sriovctl. */
  readonly dist?: string;
  /** Write to the image itself instead of an overlay that is thrown away with the machine. */
  readonly writeToImage?: boolean;
}

const defaultHardware: Hardware = {
  firmware: 'direct',
  iommu: true,
  append: '',
  memoryMiB: 1024,
  qemuArguments: [],
};

const bootTimeoutMs = 180_000;

/** Boots an image; its agent answers only when the card's interfaces have got their names. */
export async function bootMachine(image: Image, options: MachineOptions = {}): Promise<Machine> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sriovctl-vm-'));
  const files = await prepareFiles(directory, image, options);
  const sockets = Promise.all([acceptOne(files.agentSocket), acceptOne(files.monitorSocket)]);
  const qemu = startQemu(qemuArguments({ ...defaultHardware, ...options }, files));
  const [agent, monitor] = await Promise.race([sockets, qemu.failure]);
  const machine = new Machine(directory, files, qemu, agent, monitor);
  await machine.booted().catch(async (error: unknown) => {
    await machine.shutdown();
    throw error;
  });
  return machine;
}

/** A running virtual machine. Disposing of it ends it at once and removes all it has written. */
export class Machine implements AsyncDisposable {
  /** What the guest sees, and may write, as /mnt/share. */
  readonly share: string;
  /** A Unix socket that leads to the guest's /dev/ttyS1. */
  readonly shellSocket: string;
  readonly #directory: string;
  readonly #consoleLog: string;
  readonly #qemu: Qemu;
  readonly #agent: AgentChannel;

  constructor(directory: string, files: MachineFiles, qemu: Qemu, agent: Socket, monitor: Socket) {
    this.#directory = directory;
    this.#consoleLog = files.consoleLog;
    this.#qemu = qemu;
    this.#agent = new AgentChannel(agent);
    onQemuEvent(monitor, (event) => {
      if (event === 'RESET') this.#agent.forgetUnfinished();
    });
    this.share = files.share;
    this.shellSocket = files.shellSocket;
  }

  /** Runs a program to its end. Any exit code is a result; a timeout is an error. */
  async run(argv: Argv, options?: RunOptions): Promise<RunResult> {
    return run(this.#agent, argv, options);
  }

  /** Runs a bash script that has to succeed, and gives what it wrote to standard output. */
  async sh(script: string, options?: RunOptions): Promise<string> {
    const argv: Argv = ['bash', '-euo', 'pipefail', '-c', script];
    const { stdout } = await mustRun(this.#agent, argv, options);
    return stdout.trimEnd();
  }

  async start(argv: Argv, options?: CommandOptions): Promise<BackgroundProcess> {
    return start(this.#agent, argv, options);
  }

  async readText(file: string): Promise<string> {
    return (await mustRun(this.#agent, ['cat', file])).stdout;
  }

  async writeText(file: string, input: string): Promise<void> {
    await mustRun(this.#agent, ['sh', '-c', 'exec cat >"$1"', 'sh', file], { input });
  }

  /** Restarts the guest in an orderly way and waits until it is back. */
  async reboot(): Promise<void> {
    const booted = this.booted();
    await this.start(['systemctl', 'reboot']);
    await booted;
  }

  /** Lets the guest shut down by itself, so that its disk is complete. */
  async powerOff(): Promise<void> {
    await this.start(['systemctl', 'poweroff']);
    await withDeadline(this.#qemu.ended, 60_000, 'The guest did not power off');
  }

  /** All that the guest has written to its serial console, from the first boot on. */
  async console(): Promise<string> {
    return readFile(this.#consoleLog, 'utf8').catch(() => '');
  }

  async kernelLog(): Promise<string> {
    return this.sh('dmesg');
  }

  async shutdown(): Promise<void> {
    this.#qemu.kill();
    await this.#qemu.ended;
    await rm(this.#directory, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /** Resolves when the guest's agent starts the next time. */
  async booted(): Promise<void> {
    const ready = Promise.race([this.#agent.nextReady(), this.#qemu.failure]);
    await withDeadline(ready, bootTimeoutMs, 'The guest did not boot').catch(
      async (error: unknown) => {
        throw new Error(`${String(error)}; the end of its console:\n${await this.consoleTail()}`);
      },
    );
  }

  async consoleTail(lines = 60): Promise<string> {
    return (await this.console()).trimEnd().split('\n').slice(-lines).join('\n');
  }
}

async function prepareFiles(
  directory: string,
  image: Image,
  options: MachineOptions,
): Promise<MachineFiles> {
  const inDirectory = (name: string): string => path.join(directory, name);
  const files: MachineFiles = {
    ...image,
    ...(options.writeToImage === true
      ? { diskFormat: 'raw' }
      : { disk: inDirectory('overlay.qcow2'), diskFormat: 'qcow2' }),
    firmwareVariables: inDirectory('firmware-variables.fd'),
    dist: options.dist ?? inDirectory('empty'),
    share: inDirectory('share'),
    consoleLog: inDirectory('console.log'),
    agentSocket: inDirectory('agent.sock'),
    monitorSocket: inDirectory('monitor.sock'),
    shellSocket: inDirectory('shell.sock'),
  };
  await mkdir(files.dist, { recursive: true });
  await mkdir(files.share);
  if (files.disk !== image.disk) {
    const backing = ['-b', image.disk, '-F', 'raw'];
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', ...backing, files.disk]);
  }
  if (options.firmware === 'grub') {
    await copyFile(firmwareVariablesTemplate(), files.firmwareVariables);
  }
  return files;
}

/** We listen and QEMU connects, so that nothing has to be tried until it works. */
async function acceptOne(socketPath: string): Promise<Socket> {
  const server = createServer().listen(socketPath);
  const [socket] = (await once(server, 'connection')) as [Socket];
  server.close();
  return socket;
}

interface Qemu {
  readonly ended: Promise<unknown>;
  /** Rejects when QEMU ends, with what it said. */
  readonly failure: Promise<never>;
  kill(): void;
}

/** QEMU dies with us, however we die. */
function startQemu(argv: readonly string[]): Qemu {
  const options = { reject: false, stdin: 'ignore', stdout: 'ignore' } as const;
  const qemu = execa('setpriv', ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...argv], options);
  const failure = qemu.then(({ stderr, exitCode, signal }) => {
    throw new Error(`QEMU ended with ${signal ?? String(exitCode)}: ${stderr}`);
  });
  failure.catch(() => undefined);
  return {
    ended: qemu.then(() => undefined),
    failure,
    kill: () => qemu.kill('SIGKILL'),
  };
}

async function withDeadline<T>(
  promise: Promise<T>,
  milliseconds: number,
  what: string,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${what} within ${milliseconds} ms`));
    }, milliseconds);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
