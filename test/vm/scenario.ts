import { test as base } from 'vitest';
import { bootGuest, type Guest, type GuestOptions } from './guest.ts';

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
        const stopped = (await guest.clockHasStopped())
          ? '\n\nA fault of the emulator: the clock of the guest had stopped.'
          : '';
        const tail = await guest.consoleTail();
        for (const error of errors) {
          error.message += `${stopped}\n\nThe end of the guest's console:\n${tail}`;
        }
      },
      { auto: true },
    ],
  });
}
