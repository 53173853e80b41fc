import { commandLine, HostError } from '../errors.ts';
import type { Command, Host } from '../host.ts';
import { describeAction } from '../sysfs/describe-action.ts';

/** A host that tells each command and each write with the time it took; never what is piped in. */
export const tracedHost = (host: Host, say: (line: string) => void): Host => {
  const timed = async <T>(what: string, run: () => Promise<T>, answer: (value: T) => string) => {
    const start = performance.now();
    const told = (text: string): void => {
      say(`debug: ${what} (${(performance.now() - start).toFixed(0)} ms): ${text}`);
    };
    try {
      const value = await run();
      told(answer(value));
      return value;
    } catch (error) {
      told(error instanceof HostError ? error.errno : String(error));
      throw error;
    }
  };
  // The prototype keeps what else a host is and knows.
  return Object.create(host, {
    query: {
      value: (command: Command) =>
        timed(
          `$ ${masked(commandLine(command))}`,
          () => host.query(command),
          (result) => (result.ran ? `exit code ${result.exitCode}` : result.because),
        ),
    },
    perform: {
      value: (action: Parameters<Host['perform']>[0]) =>
        timed(
          masked(describeAction(action)),
          () => host.perform(action),
          () => 'done',
        ),
    },
  }) as Host;
};

/** Values of arguments that carry credentials. */
const masked = (line: string): string =>
  line.replace(/(--?(?:token|password|client-key-data|as-secret)[= ])\S+/gi, '$1…');
