import { HostError } from '../../src/errors.ts';
import { moduleFolder, pciDriver } from '../../src/sysfs/paths.ts';
import { type SimulationOptions, simulateHost } from '../../src/sysfs/simulated-host.ts';
import { treeView } from '../../src/sysfs/tree-fs.ts';
import type { Stage } from './record.ts';

/** The kernel model over the captured host. */
export const simulatedStage = async (
  dir: string,
  options: SimulationOptions = {},
): Promise<Stage> => {
  const host = simulateHost(treeView(dir), options);
  // What every Debian has had since its boot, and the capture does not hold.
  await host.fs.mkdir('/run/udev');
  await host.fs.plant('/dev/vfio/vfio', { content: '', mode: 0o666 });
  return {
    read: async (path) => {
      try {
        return (await host.fs.readText(path)) ?? { errno: 'ENOENT' };
      } catch (error) {
        return { errno: errnoOf(error) };
      }
    },
    readLink: (path) => host.fs.readLink(path),
    list: (path) => host.fs.list(path),
    stat: (path) => host.fs.stat(path),
    write: async (path, value) => {
      try {
        await host.perform({ kind: 'attribute', path, value });
        return undefined;
      } catch (error) {
        return errnoOf(error);
      }
    },
    load: (module) => host.perform({ kind: 'module', module }),
    // Nothing that is simulated ever unloads a module; udev can load it again.
    unload: async (module) => {
      await host.fs.remove(moduleFolder(module));
      await host.fs.remove(pciDriver(module));
    },
    setLink: (netdev, up) => host.perform({ kind: 'link', netdev, up }),
    settle: async () => {
      await host.query({ argv: ['udevadm', 'settle'] });
    },
  };
};

const errnoOf = (error: unknown): string => {
  if (error instanceof HostError) return error.errno;
  throw error;
};
