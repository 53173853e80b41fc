import { bootModels } from '../boot/models.ts';
import { driverSourceModels } from '../driver-source/models.ts';
import type { Host, HostPath, HostView } from '../host.ts';
import { clusterModel, recordedCluster } from '../kube/model.ts';
import { persistModels } from '../persist/models.ts';
import type { Overlay } from '../sysfs/overlay.ts';
import { rememberedView } from '../sysfs/remembered.ts';
import { simulateHost } from '../sysfs/simulated-host.ts';
import { treeView } from '../sysfs/tree-fs.ts';

/** What the stages run besides the programs that the simulated host knows itself. */
const models = { ...bootModels, ...driverSourceModels, ...persistModels };

/** A captured tree as a host. */
export const simulateTree = (tree: string): Host =>
  simulateHost(treeView(tree), {
    models,
    cluster: (fs) => recordedCluster({ fs, writeFile: writerOf(fs) }),
  });

/**
 * A simulation of a host as it is now, with models of what the stages run. The cluster is asked for
 * what a rehearsal has not written itself.
 */
export const simulate = (host: HostView): Host => {
  const base = rememberedView(host);
  return simulateHost(base, {
    models,
    cluster: (fs) =>
      clusterModel({ fs, live: (command) => base.query(command), writeFile: writerOf(fs) }),
  });
};

const writerOf = (fs: Overlay) => (path: HostPath, content: string) => fs.writeFile(path, content);
