import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { HostError } from '../../src/errors.ts';
import type { Action, HostPath, VfAttributes } from '../../src/host.ts';
import { describeErrno } from '../../src/sysfs/errno.ts';
import { moduleState } from '../../src/sysfs/module-state.ts';
import type { SimulatedHost } from '../../src/sysfs/simulated-host.ts';
import { copyToDisk } from './disk-tree.ts';

/** How a script ended, and what it asked of programs. */
export interface Played {
  readonly exitCode: number | undefined;
  readonly output: string;
  /** Command lines in order, with what they were given to read. */
  readonly commands: readonly string[];
  /** Writes and commands that the kernel's model refused. */
  readonly refused: readonly string[];
}

/** `tee` is how the number of VFs is written: the one write whose errno the script tells. */
const programs = ['ip', 'devlink', 'modprobe', 'tee'] as const;

/**
 * Runs a script on a copy of a simulated host's tree, while the simulation beside it reacts to each
 * write as the kernel would. ip, devlink, modprobe and tee are stand-ins in PATH that only ask the
 * simulation. The script stands still while the kernel works: on a real host it sleeps in write(2).
 */
export const playKernel = async (
  host: SimulatedHost,
  folder: string,
  argv: readonly [string, ...string[]],
): Promise<Played> => {
  const root = join(folder, 'root');
  const desk = join(folder, 'desk');
  const bin = join(folder, 'bin');
  for (const made of [root, desk, bin]) mkdirSync(made, { recursive: true });
  await copyToDisk(host.fs, '/sys', root);
  await copyToDisk(host.fs, '/run', root);
  for (const program of programs) {
    writeFileSync(join(bin, program), standIn(program, desk));
    chmodSync(join(bin, program), 0o755);
  }
  const [program, ...args] = argv;
  const child = execa(program, args, {
    env: { PATH: `${bin}:${process.env['PATH'] ?? ''}`, SRIOVCTL_ROOT: root, JOURNAL_STREAM: '' },
    detached: true,
    reject: false,
    all: true,
    timeout: 60_000,
  });
  const player = new Player(host, root, desk);
  const end = child.then(() => 'ended' as const);
  while ((await Promise.race([end, sleep(2, 'running' as const)])) === 'running') {
    await player.react(child.pid ?? 0);
  }
  await player.react(0);
  const { exitCode, all } = await child;
  return { exitCode, output: all, commands: player.commands, refused: player.refused };
};

/** Writes down what it was called with, and waits for the answer; written whole, then renamed. */
const standIn = (program: string, desk: string): string => `#!/bin/sh
{ echo '${program}'; for word; do printf '%s\\n' "$word"; done; echo; case $1 in -batch | /*) cat ;; esac; } >${desk}/$$.draft
mv ${desk}/$$.draft ${desk}/$$.request
until [ -e ${desk}/$$.answer ]; do sleep 0.01; done
exec sh ${desk}/$$.answer
`;

class Player {
  readonly commands: string[] = [];
  readonly refused: string[] = [];
  readonly #host: SimulatedHost;
  readonly #root: string;
  readonly #desk: string;
  #lastLook = performance.now();
  #copied = 0;

  constructor(host: SimulatedHost, root: string, desk: string) {
    this.#host = host;
    this.#root = root;
    this.#desk = desk;
    this.#copied = host.fs.changes().length;
  }

  /** One look at the disk: does what the script asks for, and shows what has become of it. */
  async react(pid: number): Promise<void> {
    const requests = readdirSync(this.#desk).filter((name) => name.endsWith('.request'));
    const idle = requests.length === 0 && (await this.#writes()).length === 0;
    if (idle && !(await this.#hasSomethingHappened())) return;
    signal(pid, 'SIGSTOP');
    try {
      // What was written comes before what happens by itself: so it is on a real host.
      for (let writes = await this.#writes(); writes.length > 0; writes = await this.#writes()) {
        for (const write of writes) await this.#perform(write);
        await this.#show();
      }
      for (const request of requests) await this.#answer(request);
      await this.#hasSomethingHappened();
      await this.#show();
    } finally {
      signal(pid, 'SIGCONT');
    }
  }

  /** Lets as much time pass in the simulation as has passed for the script. */
  async #hasSomethingHappened(): Promise<boolean> {
    const now = performance.now();
    await this.#host.wait(now - this.#lastLook);
    this.#lastLook = now;
    return this.#host.fs.changes().length !== this.#copied;
  }

  /** Attributes on disk that read otherwise than the simulation's, the count of VFs last. */
  async #writes(): Promise<readonly { readonly path: HostPath; readonly value: string }[]> {
    const found: { readonly path: HostPath; readonly value: string }[] = [];
    for (const path of await writablePaths(this.#host)) {
      const place = join(this.#root, path);
      if (!existsSync(place)) continue;
      const value = readFileSync(place, 'utf8');
      // A shell opens with O_TRUNC: nothing is in it until the write comes.
      if (value === '') continue;
      const shown = isTrigger(path) ? '' : await this.#host.fs.readText(path);
      if (value !== shown) found.push({ path, value });
    }
    return found;
  }

  async #perform({ path, value }: { readonly path: HostPath; readonly value: string }) {
    const kind = isTrigger(path) ? 'trigger' : 'attribute';
    if (kind === 'trigger') writeFileSync(join(this.#root, path), '');
    try {
      await this.#host.perform({ kind, path, value });
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      this.refused.push(`${path}: ${JSON.stringify(value)}: ${error.errno}`);
    }
    if (kind === 'attribute') await copyToDisk(this.#host.fs, path, this.#root);
  }

  async #answer(request: string): Promise<void> {
    const file = join(this.#desk, request);
    const [words = '', ...input] = readFileSync(file, 'utf8').split('\n\n');
    const argv = words.split('\n');
    const stdin = input.join('\n\n');
    if (argv[0] !== 'tee') this.commands.push([argv.join(' '), stdin].join('\n').trim());
    renameSync(file, file.replace(/request$/, 'done'));
    const answer = await this.#run(argv, stdin);
    const draft = file.replace(/request$/, 'written');
    writeFileSync(draft, answer);
    renameSync(draft, file.replace(/request$/, 'answer'));
  }

  /** A shell script that prints and ends as the program would. */
  async #run(argv: readonly string[], stdin: string): Promise<string> {
    const command = { argv: argv as [string, ...string[]], stdin };
    try {
      if (argv[0] === 'tee') {
        const path = (argv[1] ?? '').slice(this.#root.length) as HostPath;
        await this.#host.perform({ kind: 'attribute', path, value: stdin });
        return 'exit 0\n';
      }
      if (argv[0] === 'ip' && argv[1] === '-batch') {
        await this.#host.perform(vfActionOf(stdin));
        return 'exit 0\n';
      }
      if (argv[0] === 'modprobe') {
        const module = argv.at(-1) ?? '';
        // -b: a blacklist counts, and is no failure.
        const { state } = await moduleState(this.#host, module);
        if (argv.includes('-b') && state === 'blacklisted') return 'exit 0\n';
        await this.#host.perform({ kind: 'module', module });
        return 'exit 0\n';
      }
      if (argv.includes('show')) {
        const answer = await this.#host.query(command);
        return answer.ran
          ? `cat <<'END'\n${answer.stdout}END\nexit ${answer.exitCode}\n`
          : 'exit 1\n';
      }
      await this.#host.perform({ kind: 'command', command });
      return 'exit 0\n';
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      this.refused.push(`${argv.join(' ')}: ${error.message}`);
      return `echo '${argv.slice(0, 2).join(': ')}: ${describeErrno(error.errno)}' >&2\nexit 1\n`;
    }
  }

  /** Brings the disk to what the simulation shows, in the order in which it came about. */
  async #show(): Promise<void> {
    const { fs } = this.#host;
    const changes = fs.changes();
    for (const path of changes) {
      if (path.startsWith('/sys/')) await copyToDisk(fs, path, this.#root);
    }
    this.#copied = changes.length;
  }
}

/** Reads what vf-link.ts writes: `link set dev NAME vf N KEY VALUE …`, a line a VF. */
const vfActionOf = (batch: string): Extract<Action, { kind: 'vf' }> => {
  const lines = batch
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  const vfs = lines.map(([, , , , , index = '', ...words]) => {
    const pairs = words.flatMap((word, at) => (at % 2 === 0 ? [[word, words[at + 1] ?? '']] : []));
    const given = pairs.map(([key = '', value = '']) => [vfKeys[key], valueOf(value)] as const);
    return { index: Number(index), ...(Object.fromEntries(given) as VfAttributes) };
  });
  return { kind: 'vf', netdev: lines[0]?.[3] ?? '', vfs };
};

const vfKeys: Readonly<Record<string, keyof VfAttributes>> = {
  mac: 'mac',
  vlan: 'vlan',
  qos: 'qos',
  proto: 'proto',
  max_tx_rate: 'maxTxRate',
  min_tx_rate: 'minTxRate',
  spoofchk: 'spoofCheck',
  trust: 'trust',
  state: 'linkState',
};

const valueOf = (word: string): string | number | boolean => {
  if (word === 'on' || word === 'off') return word === 'on';
  return /^\d+$/.test(word) ? Number(word) : word;
};

const signal = (pid: number, name: NodeJS.Signals): void => {
  if (pid === 0) return;
  try {
    process.kill(-pid, name);
  } catch {
    // It has ended.
  }
};

const isTrigger = (path: HostPath): boolean =>
  /\/(?:bind|unbind|drivers_probe|sriov_vf_msix_count)$/.test(path);

/** All that a boot script may write to, what the kernel asks about while making VFs first. */
const writablePaths = async ({ fs }: SimulatedHost): Promise<readonly HostPath[]> => {
  const devices: HostPath = '/sys/bus/pci/devices';
  const drivers: HostPath = '/sys/bus/pci/drivers';
  const functions = (await fs.list(devices)) ?? [];
  const netdevs = (await fs.list('/sys/class/net')) ?? [];
  return [
    ...functions.map((name): HostPath => `${devices}/${name}/sriov_drivers_autoprobe`),
    ...functions.map((name): HostPath => `${devices}/${name}/driver_override`),
    ...functions.map((name): HostPath => `${devices}/${name}/sriov_vf_msix_count`),
    ...netdevs.map((name): HostPath => `/sys/class/net/${name}/mtu`),
    ...functions.map((name): HostPath => `${devices}/${name}/sriov_numvfs`),
    ...((await fs.list(drivers)) ?? []).flatMap((name): HostPath[] => [
      `${drivers}/${name}/unbind`,
      `${drivers}/${name}/bind`,
    ]),
    '/sys/bus/pci/drivers_probe',
  ];
};
