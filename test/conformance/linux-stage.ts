import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../../src/sysfs/errno.ts';
import type { Stage } from './record.ts';

/** This machine's kernel, as root. */
export const linuxStage: Stage = {
  read: async (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      return { errno: errnoOf(error) ?? String(error) };
    }
  },
  readLink: async (path) => orNothing(() => readlinkSync(path)),
  list: async (path) => orNothing(() => readdirSync(path)),
  stat: async (path) =>
    orNothing(() => {
      const stat = lstatSync(path);
      const kind = stat.isSymbolicLink() ? 'link' : stat.isDirectory() ? 'directory' : 'file';
      return { kind, mode: stat.mode & 0o7777 };
    }),
  write: async (path, value) => {
    try {
      const file = openSync(path, constants.O_WRONLY);
      try {
        writeSync(file, value);
      } finally {
        closeSync(file);
      }
      return undefined;
    } catch (error) {
      return errnoOf(error) ?? String(error);
    }
  },
  load: async (module) => {
    execFileSync('modprobe', ['--', module]);
  },
  unload: async (module) => {
    execFileSync('modprobe', ['-r', '--', module]);
  },
  setLink: async (name, up) => {
    execFileSync('ip', ['link', 'set', 'dev', name, up ? 'up' : 'down']);
  },
  settle: async () => {
    execFileSync('udevadm', ['settle']);
    for (let tries = 0; !isQuiet(); tries += 1) {
      if (tries > 600) throw new Error('the network does not settle');
      await sleep(100);
    }
  },
};

/**
 * No name is transient any more, who is up has its carrier again, and VFs have noticed what became
 * of their port, after which they look every two seconds (igbvf_watchdog_task).
 */
const isQuiet = (): boolean =>
  readdirSync('/sys/class/net').every((name) => {
    if (/^eth\d+$/.test(name)) return false;
    const port = /^enp1s0f\d/.exec(name)?.[0];
    return port === undefined || !isUp(name) || hasCarrier(name) === isUp(port);
  });

const isUp = (name: string): boolean =>
  (Number(readFileSync(`/sys/class/net/${name}/flags`, 'utf8')) & 1) === 1;

const hasCarrier = (name: string): boolean =>
  readFileSync(`/sys/class/net/${name}/carrier`, 'utf8').trim() === '1';

const orNothing = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
};
