import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';

type Message = Readonly<Record<string, unknown>>;

/** QEMU's control channel: commands, answered in order, and the events between them. */
export class Qmp {
  readonly #socket: Socket;
  readonly #listeners = new Set<(event: Message) => void>();
  readonly #awaited: ((answer: Message) => void)[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    const lines = createInterface({ input: socket });
    lines.on('line', (line) => {
      this.#receive(JSON.parse(line) as Message);
    });
    // readline repeats the socket's errors, of which QEMU's exit says more.
    lines.on('error', () => undefined);
    // QEMU neither obeys nor reports anything before this.
    void this.execute('qmp_capabilities');
  }

  /** Never settles if QEMU ends meanwhile, which is for the machine to notice. */
  async execute(command: string, parameters: Message = {}): Promise<unknown> {
    const answer = await new Promise<Message>((resolve) => {
      this.#awaited.push(resolve);
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: parameters })}\n`);
    });
    if ('error' in answer) throw new Error(`QEMU: ${command}: ${JSON.stringify(answer['error'])}`);
    return answer['return'];
  }

  /** Calls back for each event of this name with its data. */
  on(name: string, listener: (data: Message) => void): void {
    this.#listeners.add(({ event, data }) => {
      if (event === name) listener((data ?? {}) as Message);
    });
  }

  #receive(message: Message): void {
    if ('event' in message) for (const listener of this.#listeners) listener(message);
    else if ('return' in message || 'error' in message) this.#awaited.shift()?.(message);
  }
}
