import { copyFile, readFile } from 'node:fs/promises';
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
import { within } from './deadline.ts';
import { type Launch, type Launched, launch, type Snapshot } from './launch.ts';

/** Boots a machine, or goes on where it was saved; the card's interfaces have their final names then. */
export async function startMachine(what: Launch): Promise<Machine> {
  const machine = new Machine(await launch(what));
  try {
    await (what.snapshot === undefined ? machine.booted() : machine.resumed());
    return machine;
  } catch (error) {
    await machine.shutdown();
    throw error;
  }
}

/** A running virtual machine. Disposing of it ends it at once and removes all it has written. */
export class Machine implements AsyncDisposable {
  readonly #qemu: Launched;

  constructor(qemu: Launched) {
    this.#qemu = qemu;
    qemu.monitor.on('RESET', () => {
      qemu.agent.forgetUnfinished();
    });
  }

  /** The host's side of the guest's /mnt/share. */
  get share(): string {
    return this.#qemu.files.share;
  }

  /** A Unix socket that leads to the guest's /dev/ttyS1. */
  get shellSocket(): string {
    return this.#qemu.files.shellSocket;
  }

  /** Runs a program to its end. Any exit code is a result; a timeout is an error. */
  async run(argv: Argv, options?: RunOptions): Promise<RunResult> {
    return run(this.#qemu.agent, argv, options);
  }

  /** Runs a bash script that has to succeed, and gives what it wrote to standard output. */
  async sh(script: string, options?: RunOptions): Promise<string> {
    const argv: Argv = ['bash', '-euo', 'pipefail', '-c', script];
    const { stdout } = await mustRun(this.#qemu.agent, argv, options);
    return stdout.trimEnd();
  }

  /** Starts a program whose standard input stays open, unless `input` is given. */
  async start(argv: Argv, options?: CommandOptions): Promise<BackgroundProcess> {
    return start(this.#qemu.agent, argv, options);
  }

  async readText(file: string): Promise<string> {
    return (await mustRun(this.#qemu.agent, ['cat', file])).stdout;
  }

  async writeText(file: string, input: string): Promise<void> {
    await mustRun(this.#qemu.agent, ['sh', '-c', 'exec cat >"$1"', 'sh', file], { input });
  }

  /** Restarts the guest in an orderly way and waits until it is back. */
  async reboot(): Promise<void> {
    const booted = this.booted();
    await this.start(['systemctl', 'reboot']);
    await booted;
  }

  /** Pulls the card, all of its ports, out of the slot. */
  async pullCard(): Promise<void> {
    const { monitor, failure } = this.#qemu;
    const path = '/machine/peripheral-anon';
    const devices = (await monitor.execute('qom-list', { path })) as readonly {
      readonly name: string;
      readonly type: string;
    }[];
    const [port] = devices.filter(({ type }) => type === 'child<igb>');
    const gone = new Promise<void>((resolve) => {
      monitor.on('DEVICE_DELETED', () => {
        resolve();
      });
    });
    await monitor.execute('device_del', { id: `${path}/${port?.name ?? 'igb'}` });
    await within(120_000, Promise.race([gone, failure]), 'The guest did not let its card go');
  }

  /** Lets the guest shut down by itself, so that its disk is complete. */
  async powerOff(): Promise<void> {
    await this.start(['systemctl', 'poweroff']);
    await within(60_000, this.#qemu.ended, 'The guest did not power off');
  }

  /** All that the guest has written to its serial console, from the first boot on. */
  async console(): Promise<string> {
    return readFile(this.#qemu.files.consoleLog, 'utf8').catch(() => '');
  }

  async consoleTail(lines = 60): Promise<string> {
    return (await this.console()).trimEnd().split('\n').slice(-lines).join('\n');
  }

  /**
   * Whether a processor of the guest sleeps although a timer of it is long due (rcu_check_gp_kthread_expired_fqs_timer
   * of the kernel says so): the emulator has lost its interrupt, and whatever runs there runs no more.
   */
  async clockHasStopped(): Promise<boolean> {
    return (await this.console()).includes("kthread timer wakeup didn't happen");
  }

  async kernelLog(): Promise<string> {
    return this.sh('dmesg');
  }

  async shutdown(): Promise<void> {
    await this.#qemu.discard();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /** Resolves when the guest's agent starts the next time. */
  async booted(): Promise<void> {
    const ready = Promise.race([this.#qemu.agent.nextReady(), this.#qemu.failure]);
    await within(300_000, ready, 'The guest did not boot').catch(async (error: unknown) => {
      throw new Error(`${String(error)}; the end of its console:\n${await this.consoleTail()}`);
    });
  }

  /** Makes a machine that went on from a snapshot like one that has just booted. */
  async resumed(): Promise<void> {
    const now = Math.floor(Date.now() / 1000);
    const woken = this.sh(`date --set=@${now}; systemctl start ${sharedFolders}`);
    await Promise.race([woken, this.#qemu.failure]);
  }

  /** Saves the machine and ends it. */
  async saveTo(snapshot: Snapshot): Promise<void> {
    const { monitor, files, failure } = this.#qemu;
    // QEMU cannot save a machine that has a folder of the host mounted.
    await this.sh(`systemctl stop ${sharedFolders}; sync`);
    const saved = new Promise<void>((resolve, reject) => {
      monitor.on('MIGRATION', ({ status }) => {
        if (status === 'completed') resolve();
        if (status === 'failed') reject(new Error('QEMU could not save the machine'));
      });
    });
    const reportEvents = [{ capability: 'events', state: true }];
    await monitor.execute('migrate-set-capabilities', { capabilities: reportEvents });
    await monitor.execute('migrate', { uri: `file:${snapshot.state}` });
    await within(60_000, Promise.race([saved, failure]), 'The machine was not saved');
    await monitor.execute('quit');
    await this.#qemu.ended;
    await copyFile(files.disk, snapshot.disk);
    await copyFile(files.consoleLog, snapshot.consoleLog);
    await copyFile(files.firmwareVariables, snapshot.firmwareVariables);
  }
}

const sharedFolders = 'opt-sriovctl.mount mnt-share.mount';
