import { SriovctlError } from '../errors.ts';
import type { Host } from '../host.ts';
import { linuxHost } from '../sysfs/linux-host.ts';
import { interruptible } from './interruptible.ts';
import { reachedAt } from './reached-at.ts';

/**
 * The host a command works on: this machine, or with --simulate a captured tree. What only looks at
 * this machine does without the models of a simulation.
 */
export const openHost = async (tree: string | undefined): Promise<Host> =>
  tree === undefined
    ? linuxHost({ reachedAt: reachedAt(), ...writeTimeout() })
    : interruptible((await import('./simulation.ts')).simulateTree(tree));

/** SRIOVCTL_WRITE_TIMEOUT: the seconds that the kernel may take for one write to a card. */
const writeTimeout = (): { readonly writeMs?: number } => {
  const text = process.env['SRIOVCTL_WRITE_TIMEOUT'];
  if (text === undefined) return {};
  const seconds = Number(text);
  if (seconds > 0 && Number.isFinite(seconds)) return { writeMs: seconds * 1000 };
  throw new SriovctlError('BAD_ENVIRONMENT', `SRIOVCTL_WRITE_TIMEOUT=${text} is no time`, {
    exit: 'usage',
    hint: 'It is a number of seconds above 0.',
  });
};

/** @throws SriovctlError NOT_ROOT before anything else is looked at; a captured tree needs no root. */
export const assertRoot = (tree: string | undefined): void => {
  if (tree !== undefined || process.geteuid?.() === 0) return;
  throw new SriovctlError('NOT_ROOT', 'only root may set up Virtual Functions', {
    exit: 'refused',
    hint: 'Run it with sudo, or on a captured tree with --simulate DIR.',
  });
};
