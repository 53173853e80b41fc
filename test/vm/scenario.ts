import { test as base } from 'vitest';
import { bootGuest, type Guest, type GuestOptions } from './guest.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** The test failed on a machine that stood still: .ci/run plays its file once more. */
    clockHasStopped?: boolean;
  }
}

/** A `test` whose `guest` boots once for the file; the end of its console is part of every failure's report. */
export function scenario(options: GuestOptions = {}) {
  return base.extend<{ guest: Guest; consoleOnFailure: undefined }>({
    guest: [
      async ({}, use) => {
        await using guest = await bootGuest(options);
        await use(guest);
      },
      { scope: 'file' },
    ],
    consoleOnFailure: [
      async ({ guest, task }, use) => {
        await use(undefined);
        const errors = task.result?.errors ?? [];
        if (errors.length === 0) return;
        if (await guest.clockHasStopped()) task.meta.clockHasStopped = true;
        const tail = await guest.consoleTail();
        for (const error of errors) {
          error.message += `\n\nThe end of the guest's console:\n${tail}`;
        }
      },
      { auto: true },
    ],
  });
}
