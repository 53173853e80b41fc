import { bootModels } from '../boot/models.ts';
import { SriovctlError } from '../errors.ts';
import type { Host, HostPath, HostView } from '../host.ts';
import { clusterModel, recordedCluster } from '../kube/model.ts';
import { persistModels } from '../persist/models.ts';
import { linuxHost } from '../sysfs/linux-host.ts';
import type { Overlay } from '../sysfs/overlay.ts';
import { simulateHost } from '../sysfs/simulated-host.ts';
import { treeView } from '../sysfs/tree-fs.ts';
import { reachedAt } from './reached-at.ts';

/** What the stages run besides the programs that the simulated host knows itself. */
const models = { ...bootModels, ...persistModels };

/** The host a command works on: this machine, or with --simulate a captured tree. */
export const openHost = (tree: string | undefined): Host =>
  tree === undefined
    ? linuxHost({ reachedAt: reachedAt(), ...writeTimeout() })
    : simulateHost(treeView(tree), {
        models,
        cluster: (fs) => recordedCluster({ fs, writeFile: writerOf(fs) }),
      });

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

/**
 * A simulation of a host, with models of what the stages run. The cluster is asked for what a
 * rehearsal has not written itself.
 */
export const simulate = (host: HostView): Host =>
  simulateHost(host, {
    models,
    cluster: (fs) =>
      clusterModel({ fs, live: (command) => host.query(command), writeFile: writerOf(fs) }),
  });

const writerOf = (fs: Overlay) => (path: HostPath, content: string) => fs.writeFile(path, content);

/** @throws SriovctlError NOT_ROOT before anything else is looked at; a captured tree needs no root. */
export const assertRoot = (tree: string | undefined): void => {
  if (tree !== undefined || process.geteuid?.() === 0) return;
  throw new SriovctlError('NOT_ROOT', 'only root may set up Virtual Functions', {
    exit: 'refused',
    hint: 'Run it with sudo, or on a captured tree with --simulate DIR.',
  });
};
