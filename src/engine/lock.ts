import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SriovctlError } from '../errors.ts';

/** Kept in memory: a reboot frees it. */
const lockFolder = '/run/sriovctl';
/** flock's exit code for a lock that somebody else holds. */
const conflict = 75;

export interface Lock {
  readonly release: () => void;
}

export interface LockOptions {
  readonly folder?: string;
  /** How many seconds to wait for another run to end. */
  readonly waitSeconds?: number;
}

/** The boot script holds it for the moment in which it looks whether a run is under way. */
const glanceSeconds = 0.5;

/**
 * Takes the lock that lets one run at a time change the host. It is a flock(2) of a child that
 * lives as long as its standard input is open: however this process ends, the kernel frees it.
 *
 * @throws SriovctlError LOCKED (exit `refused`) with the holder's process id.
 */
export const takeLock = async ({
  folder = lockFolder,
  waitSeconds = glanceSeconds,
}: LockOptions = {}): Promise<Lock> => {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const file = join(folder, 'lock');
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
  if (!held) throw lockedBy(file);
  writeFileSync(file, `${process.pid}\n`);
  child.unref();
  return {
    release: () => {
      child.stdin.destroy();
      child.stdout.destroy();
    },
  };
};

const lockedBy = (file: string): SriovctlError =>
  new SriovctlError(
    'LOCKED',
    `another run of sriovctl is under way (process ${readFileSync(file, 'utf8').trim()})`,
    { exit: 'refused', hint: 'Wait until it has ended.' },
  );

const notInstalled = (cause: unknown): SriovctlError =>
  new SriovctlError('FLOCK_MISSING', 'the program flock cannot be run', {
    exit: 'refused',
    hint: 'Install util-linux.',
    cause,
  });
