import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** Calls back for each event that QEMU reports on its control channel, such as RESET. */
export function onQemuEvent(monitor: Socket, listener: (event: string) => void): void {
  createInterface({ input: monitor }).on('line', (line) => {
    const { event } = JSON.parse(line) as { readonly event?: string };
    if (event !== undefined) listener(event);
  });
  // QEMU says nothing before this.
  monitor.write('{"execute":"qmp_capabilities"}\n');
}
