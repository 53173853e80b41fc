import { HostError } from '../../src/errors.ts';
import type { Host } from '../../src/host.ts';

/** A host on which the writes of the given numbers (counted from 0) fail. */
export const failingHost = (host: Host, failing: ReadonlySet<number>, errno = 'EIO'): Host => {
  let count = -1;
  return {
    ...host,
    simulated: host.simulated,
    fs: host.fs,
    query: (command) => host.query(command),
    now: () => host.now(),
    wait: (ms) => host.wait(ms),
    perform: async (action) => {
      count += 1;
      if (failing.has(count)) throw new HostError(errno, action.kind, 'injected');
      await host.perform(action);
    },
  };
};
