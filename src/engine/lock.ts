import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SriovctlError } from '../errors.ts';

/** Kept in memory: a reboot frees it. The boot script knows it by this name. */
const lockFolder = '/run/sriovctl';
/** flock's exit code for a lock that somebody else holds. */
const conflict = 75;

/** How many seconds to wait: for a run that only looks who holds the lock, and for boot scripts at work. */
const patience = { glance: 0.5, bootScript: 120 } as const;

export interface Lock {
  readonly release: () => void;
}

export interface LockOptions {
  readonly folder?: string;
  /** How many seconds to wait for another run to end. */
  readonly waitSeconds?: number;
  readonly bootScriptSeconds?: number;
  /** Told when boot scripts are waited for. */
  readonly onBootScript?: () => void;
}

/**
 * Takes the lock that lets one run at a time change the host. It is a flock(2) of a child that
 * lives as long as its standard input is open: however this process ends, the kernel frees it.
 * Boot scripts share it among themselves and are soon done, so they are waited for.
 *
 * @throws SriovctlError LOCKED (exit `refused`) with the holder's process id.
 */
export const takeLock = async ({
  folder = lockFolder,
  waitSeconds = patience.glance,
  bootScriptSeconds = patience.bootScript,
  onBootScript,
}: LockOptions = {}): Promise<Lock> => {
  // Whoever can open the lock can hold it.
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'lock');
  const lock = await attempt(file, waitSeconds);
  if (lock !== undefined) return lock;
  if (!isShared(file)) throw locked(file);
  onBootScript?.();
  const late = await attempt(file, bootScriptSeconds);
  if (late === undefined) throw locked(file);
  return late;
};

const attempt = async (file: string, waitSeconds: number): Promise<Lock | undefined> => {
  const child = spawn('flock', ['-w', String(waitSeconds), '-E', String(conflict), file, 'cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  const held = await new Promise<boolean>((resolve, reject) => {
    child.once('error', (error) => {
      reject(notInstalled(error));
    });
    child.once('exit', () => {
      resolve(false);
    });
    // The echo of a line proves that cat runs, and cat runs once the lock is held.
    child.stdout.once('data', () => {
      resolve(true);
    });
    child.stdin.on('error', () => undefined);
    child.stdin.write('held\n');
  });
  if (!held) return undefined;
  writeFileSync(file, `${process.pid}\n`);
  child.unref();
  return {
    release: () => {
      child.stdin.destroy();
      child.stdout.destroy();
    },
  };
};

/** Boot scripts share it, and nobody else does. */
const isShared = (file: string): boolean =>
  spawnSync('flock', ['-n', '-s', file, 'true']).status === 0;

const locked = (file: string): SriovctlError =>
  new SriovctlError(
    'LOCKED',
    isShared(file)
      ? 'the script that makes VFs at boot is at work'
      : `another run of sriovctl is under way (process ${readFileSync(file, 'utf8').trim()})`,
    { exit: 'refused', hint: 'Wait until it has ended.' },
  );

const notInstalled = (cause: unknown): SriovctlError =>
  new SriovctlError('FLOCK_MISSING', 'the program flock cannot be run', {
    exit: 'refused',
    hint: 'Install util-linux.',
    cause,
  });
