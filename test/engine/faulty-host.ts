import { HostError } from '../../src/errors.ts';
import type { Action, CommandResult, Host, HostFs } from '../../src/host.ts';

/** A place in a run where something can go wrong. */
export type Point = 'read' | 'query' | 'write';

/** What goes wrong there. `lie` is a program or write that says it worked, and did nothing. */
export const faults = ['EIO', 'EBUSY', 'ENOSPC', 'EPERM', 'ENOENT', 'ETIMEDOUT', 'lie'] as const;
export type Fault = (typeof faults)[number];

/** A read has no exit status to lie with. */
export const canStrike = (fault: Fault, point: Point): boolean =>
  fault !== 'lie' || point !== 'read';

export interface WatchedHost extends Host {
  /** What was read, asked and written so far, in order. */
  readonly points: () => readonly Point[];
}

/** Asked ahead of each read, query and write; what it answers happens in place of that. */
type Intervention = (at: number, subject: string) => 'lie' | undefined;

/** A host on which the operation of one number goes wrong, and every other one goes well. */
export const faultyHost = (host: Host, at: number, fault: Fault): WatchedHost =>
  watchedHost(host, (number, subject) => {
    if (number !== at) return undefined;
    if (fault === 'lie') return 'lie';
    throw new HostError(fault, subject, 'injected');
  });

const silence: CommandResult = { ran: true, exitCode: 0, stdout: '', stderr: '' };

export const watchedHost = (host: Host, intervene: Intervention = () => undefined): WatchedHost => {
  const points: Point[] = [];
  const strike = (point: Point, subject: string): 'lie' | undefined =>
    intervene(points.push(point) - 1, subject);
  const reading =
    <A, T>(subject: string, read: (a: A) => Promise<T>) =>
    async (a: A): Promise<T> => {
      strike('read', subject);
      return read(a);
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
    query: async (command) =>
      strike('query', command.argv[0]) === 'lie' ? silence : host.query(command),
    now: () => host.now(),
    wait: (ms) => host.wait(ms),
    perform: async (action) => {
      if (strike('write', subjectOf(action)) !== 'lie') await host.perform(action);
    },
    points: () => points,
  };
};

const subjectOf = (action: Action): string => ('path' in action ? action.path : action.kind);
