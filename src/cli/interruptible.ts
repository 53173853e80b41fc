import { setImmediate } from 'node:timers/promises';
import type { Host } from '../host.ts';

/** A simulated host answers at once; before each change a signal gets its turn, as on a real one. */
export const interruptible = (host: Host): Host =>
  Object.create(host, {
    perform: {
      value: async (action: Parameters<Host['perform']>[0]): Promise<void> => {
        await setImmediate();
        return host.perform(action);
      },
    },
  }) as Host;
