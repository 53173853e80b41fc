import { constants } from 'node:os';
import type { AgentChannel, Job, JobEnd } from './agent.ts';

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Its standard input; empty when not given. */
  readonly input?: string | Uint8Array;
}

export interface RunOptions extends CommandOptions {
  readonly timeoutMs?: number;
}

export interface RunResult {
  /** Undefined when a signal ended the program. */
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program in the guest that goes on while the test does other things. */
export interface BackgroundProcess {
  readonly pid: number;
  /** What it has written so far. */
  output(): Pick<RunResult, 'stdout' | 'stderr'>;
  input(bytes: string | Uint8Array): void;
  /** Signals its whole process group. */
  kill(signal?: NodeJS.Signals): void;
  wait(options?: Pick<RunOptions, 'timeoutMs'>): Promise<RunResult>;
}

export type Argv = readonly [string, ...string[]];

/** Runs a program to its end; any exit code is a result, only a timeout or a lost guest is an error. */
export async function run(
  channel: AgentChannel,
  argv: Argv,
  { timeoutMs, ...options }: RunOptions = {},
): Promise<RunResult> {
  return waitFor(startJob(channel, argv, { input: '', ...options }), argv, timeoutMs);
}

export async function start(
  channel: AgentChannel,
  argv: Argv,
  options: CommandOptions = {},
): Promise<BackgroundProcess> {
  const job = startJob(channel, argv, options);
  return {
    pid: await job.pid,
    output: () => outputOf(job),
    input: (bytes) => {
      job.input(toBytes(bytes));
    },
    kill: (signal = 'SIGTERM') => {
      job.kill(signal);
    },
    wait: async ({ timeoutMs } = {}) => waitFor(job, argv, timeoutMs),
  };
}

/** Runs a program that has to succeed. */
export async function mustRun(
  channel: AgentChannel,
  argv: Argv,
  options: RunOptions = {},
): Promise<RunResult> {
  const result = await run(channel, argv, options);
  if (result.exitCode !== 0) {
    const how = result.signal ?? `exit code ${String(result.exitCode)}`;
    throw new Error(`${argv.join(' ')}: ${how}\n${result.stdout}${result.stderr}`);
  }
  return result;
}

/** With `input` its standard input is closed behind it; without, it stays open for more. */
function startJob(channel: AgentChannel, argv: Argv, options: CommandOptions): Job {
  const { input, cwd, env } = options;
  const job = channel.start({ argv, cwd, env });
  if (input !== undefined) {
    job.input(toBytes(input));
    job.endInput();
  }
  return job;
}

async function waitFor(job: Job, argv: Argv, timeoutMs = 120_000): Promise<RunResult> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      job.kill('SIGKILL');
      const { stdout, stderr } = outputOf(job);
      reject(
        new Error(`${argv.join(' ')}: not done after ${timeoutMs} ms; so far:\n${stdout}${stderr}`),
      );
    }, timeoutMs);
  });
  try {
    const end = await Promise.race([job.ended, deadline]);
    return { ...howItEnded(end), ...outputOf(job) };
  } finally {
    clearTimeout(timer);
  }
}

const outputOf = (job: Job): Pick<RunResult, 'stdout' | 'stderr'> => ({
  stdout: job.output('stdout').toString(),
  stderr: job.output('stderr').toString(),
});

const howItEnded = ({
  exitCode,
  signalNumber,
}: JobEnd): Pick<RunResult, 'exitCode' | 'signal'> => ({
  exitCode,
  signal: signalNames.find((name) => constants.signals[name] === signalNumber),
});

const signalNames = Object.keys(constants.signals) as NodeJS.Signals[];

const toBytes = (bytes: string | Uint8Array): Uint8Array =>
  typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
