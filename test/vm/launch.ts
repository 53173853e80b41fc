import { once } from 'node:events';
import { copyFile, cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { AgentChannel } from './agent.ts';
import {
  firmwareVariablesTemplate,
  type Hardware,
  type MachineFiles,
  qemuArguments,
} from './qemu.ts';
import { Qmp } from './qmp.ts';

/** A bootable disk, and its kernel and initrd for booting without firmware. */
export interface Image {
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
}

/** A machine that was saved while it ran: its memory and devices, and what it had written. */
export interface Snapshot {
  readonly state: string;
  readonly disk: string;
  readonly firmwareVariables: string;
  readonly consoleLog: string;
}

export interface Launch {
  readonly image: Image;
  readonly hardware: Hardware;
  /** The folder that the guest sees as /opt/sriovctl. */
  readonly dist?: string | undefined;
  /** Go on from here instead of booting; it must come from the same image and hardware. */
  readonly snapshot?: Snapshot | undefined;
  /** Write to the image itself instead of an overlay that is thrown away with the machine. */
  readonly writeToImage?: boolean | undefined;
}

/** A QEMU process with its channels. */
export interface Launched {
  readonly files: MachineFiles;
  readonly agent: AgentChannel;
  readonly monitor: Qmp;
  /** Rejects when QEMU ends, with what it said. */
  readonly failure: Promise<never>;
  readonly ended: Promise<void>;
  /** Ends QEMU at once and removes its files. */
  discard(): Promise<void>;
}

export async function launch(what: Launch): Promise<Launched> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sriovctl-vm-'));
  const files = await prepareFiles(directory, what);
  const sockets = Promise.all([acceptOne(files.agentSocket), acceptOne(files.monitorSocket)]);
  const incoming = what.snapshot === undefined ? [] : ['-incoming', `file:${what.snapshot.state}`];
  const qemu = startQemu([...qemuArguments(what.hardware, files), ...incoming]);
  const [agent, monitor] = await Promise.race([sockets, qemu.failure]);
  return {
    files,
    agent: new AgentChannel(agent),
    monitor: new Qmp(monitor),
    failure: qemu.failure,
    ended: qemu.ended,
    discard: async () => {
      qemu.kill();
      await qemu.ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function prepareFiles(directory: string, what: Launch): Promise<MachineFiles> {
  const inDirectory = (name: string): string => path.join(directory, name);
  const disk = await prepareDisk(inDirectory('disk.qcow2'), what);
  const files: MachineFiles = {
    ...disk,
    kernel: what.image.kernel,
    initrd: what.image.initrd,
    firmwareVariables: inDirectory('firmware-variables.fd'),
    dist: inDirectory('dist'),
    share: inDirectory('share'),
    consoleLog: inDirectory('console.log'),
    agentSocket: inDirectory('agent.sock'),
    monitorSocket: inDirectory('monitor.sock'),
    shellSocket: inDirectory('shell.sock'),
  };
  // A copy, so that a build made meanwhile does not pull the program from under a running guest.
  if (what.dist === undefined) await mkdir(files.dist);
  else await cp(what.dist, files.dist, { recursive: true });
  await mkdir(files.share);
  const { snapshot } = what;
  const variables = snapshot?.firmwareVariables ?? firmwareVariablesTemplate();
  await copyFile(variables, files.firmwareVariables);
  if (snapshot !== undefined) await copyFile(snapshot.consoleLog, files.consoleLog);
  return files;
}

type DiskFile = Pick<MachineFiles, 'disk' | 'diskFormat'>;

async function prepareDisk(
  overlay: string,
  { image, snapshot, writeToImage }: Launch,
): Promise<DiskFile> {
  if (writeToImage === true) return { disk: image.disk, diskFormat: 'raw' };
  const backing = snapshot ? ['-b', snapshot.disk, '-F', 'qcow2'] : ['-b', image.disk, '-F', 'raw'];
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', ...backing, overlay]);
  return { disk: overlay, diskFormat: 'qcow2' };
}

/** We listen and QEMU connects, so that nothing has to be tried until it works. */
async function acceptOne(socketPath: string): Promise<Socket> {
  const server = createServer().listen(socketPath);
  const [socket] = (await once(server, 'connection')) as [Socket];
  server.close();
  // A QEMU that is killed resets it; that it has ended is told by its exit.
  socket.on('error', () => undefined);
  return socket;
}

interface Qemu extends Pick<Launched, 'ended' | 'failure'> {
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
