import { HostError } from '../../src/errors.ts';
import type { Host, HostFs } from '../../src/host.ts';

/** What goes wrong at one point of a run. `lie` is a write or command that says it worked and did nothing. */
export type Fault = 'EIO' | 'EBUSY' | 'ENOSPC' | 'EPERM' | 'ENOENT' | 'ETIMEDOUT' | 'lie';

export const faults: readonly Fault[] = [
  'EIO',
  'EBUSY',
  'ENOSPC',
  'EPERM',
  'ENOENT',
  'ETIMEDOUT',
  'lie',
];

export interface FaultyHost extends Host {
  /** How many reads, writes and commands there were. */
  readonly points: () => number;
}

/** A host on which the operation of one number goes wrong, and every other one goes well. */
export const faultyHost = (host: Host, at: number, fault: Fault): FaultyHost => {
  let count = -1;
  const strikes = (): boolean => {
    count += 1;
    return count === at;
  };
  const error = (subject: string): HostError => new HostError(fault, subject, 'injected');
  const reading =
    <A extends readonly unknown[], T>(subject: string, read: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      if (strikes() && fault !== 'lie') throw error(subject);
      return read(...args);
    };
  const fs: HostFs = {
    readText: reading('readText', (path) => host.fs.readText(path)),
    readLink: reading('readLink', (path) => host.fs.readLink(path)),
    list: reading('list', (path) => host.fs.list(path)),
    stat: reading('stat', (path) => host.fs.stat(path)),
  };
  return {
    simulated: host.simulated,
    fs,
    query: reading('query', (command) => host.query(command)),
    now: () => host.now(),
    wait: (ms) => host.wait(ms),
    perform: async (action) => {
      const struck = strikes();
      if (struck && fault === 'lie') return;
      if (struck) throw error('path' in action ? action.path : action.kind);
      await host.perform(action);
    },
    points: () => count + 1,
  };
};
