import type { Socket } from 'node:net';

export interface GuestCommand {
  readonly argv: readonly string[];
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** A program running in the guest, and what it has written so far. */
export interface Job {
  readonly pid: Promise<number>;
  readonly ended: Promise<JobEnd>;
  output(stream: 'stdout' | 'stderr'): Buffer;
  input(bytes: Uint8Array): void;
  endInput(): void;
  /** Sent to the whole process group. */
  kill(signal: NodeJS.Signals): void;
}

/** As wait(2) tells it: a program that was killed has a signal and no exit code. */
export interface JobEnd {
  readonly exitCode: number | undefined;
  readonly signalNumber: number | undefined;
}

/** The host's half of the command channel; the frames are described in the guest's half, image/files/…/agent. */
export class AgentChannel {
  readonly #socket: Socket;
  readonly #jobs = new Map<number, RunningJob>();
  readonly #awaitingReady: (() => void)[] = [];
  #received: Buffer = Buffer.alloc(0);
  #lastJob = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#receive(bytes);
    });
    socket.on('close', () => {
      this.#failJobs('the virtual machine has ended');
    });
  }

  /** Resolves at the next start of the agent, that is, when the guest has booted (again). */
  async nextReady(): Promise<void> {
    return new Promise((resolve) => this.#awaitingReady.push(resolve));
  }

  start({ argv, cwd = '/', env = {} }: GuestCommand): Job {
    const id = (this.#lastJob += 1);
    const variables = Object.entries({ ...defaultEnvironment, ...env });
    const fields = [
      cwd,
      String(variables.length),
      ...variables.map(([name, value]) => `${name}=${value}`),
      ...argv,
    ];
    const job = new RunningJob((type, payload) => {
      this.#send(type, id, payload);
    });
    this.#jobs.set(id, job);
    this.#send('start', id, Buffer.from(fields.join('\0')));
    return job;
  }

  /** The guest was reset: what it was about to say will never be finished. */
  forgetUnfinished(): void {
    this.#received = Buffer.alloc(0);
    this.#failJobs('the guest restarted');
  }

  #send(type: string, id: number, payload: Uint8Array): void {
    this.#socket.write(`${type} ${id} ${payload.length}\n`);
    this.#socket.write(payload);
  }

  #receive(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    for (let frame = takeFrame(this.#received); frame; frame = takeFrame(this.#received)) {
      this.#received = this.#received.subarray(frame.length);
      this.#dispatch(frame);
    }
  }

  #dispatch({ type, id, payload }: Frame): void {
    if (type === 'ready') {
      this.#failJobs('the guest restarted');
      for (const resolve of this.#awaitingReady.splice(0)) resolve();
      return;
    }
    this.#jobs.get(id)?.receive(type, payload);
    if (type === 'exit') this.#jobs.delete(id);
  }

  #failJobs(reason: string): void {
    for (const job of this.#jobs.values()) job.fail(new Error(`The command was lost: ${reason}`));
    this.#jobs.clear();
  }
}

const defaultEnvironment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LANG: 'C.UTF-8',
} as const;

interface Frame {
  readonly type: string;
  readonly id: number;
  readonly payload: Buffer;
  readonly length: number;
}

function takeFrame(bytes: Buffer): Frame | undefined {
  const headerEnd = bytes.indexOf(0x0a);
  if (headerEnd === -1) return undefined;
  const [type = '', id, size] = bytes.toString('latin1', 0, headerEnd).split(' ');
  const start = headerEnd + 1;
  const length = start + Number(size);
  if (bytes.length < length) return undefined;
  return { type, id: Number(id), payload: bytes.subarray(start, length), length };
}

/** The guest's half is slow with frames that take many reads. */
const inputChunk = 65536;

class RunningJob implements Job {
  readonly pid: Promise<number>;
  readonly ended: Promise<JobEnd>;
  readonly #send: (type: string, payload: Uint8Array) => void;
  readonly #written: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  readonly #pid = deferred<number>();
  readonly #ended = deferred<JobEnd>();

  constructor(send: (type: string, payload: Uint8Array) => void) {
    this.#send = send;
    this.pid = this.#pid.promise;
    this.ended = this.#ended.promise;
  }

  output(stream: 'stdout' | 'stderr'): Buffer {
    return Buffer.concat(this.#written[stream]);
  }

  input(bytes: Uint8Array): void {
    for (let start = 0; start < bytes.length; start += inputChunk) {
      this.#send('stdin', bytes.subarray(start, start + inputChunk));
    }
  }

  endInput(): void {
    this.#send('stdin', new Uint8Array());
  }

  kill(signal: NodeJS.Signals): void {
    this.#send('kill', Buffer.from(signal.replace(/^SIG/, '')));
  }

  receive(type: string, payload: Buffer): void {
    if (type === 'stdout' || type === 'stderr') this.#written[type].push(payload);
    else if (type === 'started') this.#pid.resolve(Number(payload));
    else if (type === 'exit') this.#ended.resolve(endOf(payload.toString()));
  }

  fail(error: Error): void {
    this.#pid.reject(error);
    this.#ended.reject(error);
  }
}

function endOf(text: string): JobEnd {
  const [code, signal] = text.split(' ').map(Number);
  return signal
    ? { exitCode: undefined, signalNumber: signal }
    : { exitCode: code, signalNumber: undefined };
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: Error): void;
}

/** Its rejection may come before anybody waits for it, which is not an error. */
function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
