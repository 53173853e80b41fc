import { SriovctlError } from '../errors.ts';
import type { Host, HostView } from '../host.ts';
import { linuxHost } from '../sysfs/linux-host.ts';
import { simulateHost } from '../sysfs/simulated-host.ts';
import { treeView } from '../sysfs/tree-fs.ts';

/** The host a command works on: this machine, or with --simulate a captured tree. */
export const openHost = (tree: string | undefined): Host =>
  tree === undefined ? linuxHost() : simulate(treeView(tree));

/** A simulation of a host, with models of the programs that the stages run. */
export const simulate = (host: HostView): Host => simulateHost(host);

/** @throws SriovctlError NOT_ROOT before anything else is looked at; a captured tree needs no root. */
export const assertRoot = (tree: string | undefined): void => {
  if (tree !== undefined || process.geteuid?.() === 0) return;
  throw new SriovctlError('NOT_ROOT', 'only root may set up Virtual Functions', {
    exit: 'refused',
    hint: 'Run it with sudo, or on a captured tree with --simulate DIR.',
  });
};
