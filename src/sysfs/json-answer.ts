import { commandLine, HostError } from '../errors.ts';
import type { Command } from '../host.ts';

/**
 * What a program answered in JSON.
 *
 * @throws HostError EBADMSG for anything else: then it is not known what it would have said.
 */
export const jsonAnswer = (command: Command, stdout: string): unknown => {
  try {
    return JSON.parse(stdout);
  } catch (cause) {
    throw new HostError('EBADMSG', commandLine(command), 'the answer is no JSON', { cause });
  }
};
