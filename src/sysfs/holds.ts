import { posix } from 'node:path';
import type { Action, HostFs, HostPath, HostView } from '../host.ts';
import { attributeSpelling } from './attribute.ts';
import { eswitchDiffers, readEswitch } from './devlink.ts';
import { moduleFolder, netAttribute, pciAttribute } from './paths.ts';
import { readAttribute, readLinkName, statOfTarget } from './read.ts';
import { differing, readVfLinks } from './vf-link.ts';

/**
 * Whether the host is already as the action would make it. `undefined` where that cannot be read
 * (commands, objects, drivers_probe).
 */
export const holds = async (host: HostView, action: Action): Promise<boolean | undefined> => {
  const { fs } = host;
  switch (action.kind) {
    case 'attribute': {
      const value = await fs.readText(action.path);
      return value !== undefined && attributeSpelling(action.path, value) === action.value;
    }
    case 'trigger':
      return bindingHolds(fs, action.path, action.value.trim());
    case 'file':
      return fileHolds(fs, action);
    case 'remove':
      return (await fs.stat(action.path)) === undefined;
    case 'module':
      return (await fs.stat(moduleFolder(action.module))) !== undefined;
    case 'link': {
      const flags = Number(await readAttribute(fs, netAttribute(action.netdev, 'flags')));
      return ((flags & 1) === 1) === action.up;
    }
    case 'vf': {
      const known = await readVfLinks(host, action.netdev);
      return action.vfs.every(
        ({ index, ...wanted }) => Object.keys(differing(wanted, known?.get(index))).length === 0,
      );
    }
    case 'eswitch':
      return !eswitchDiffers(action.settings, await readEswitch(host, action.address));
    case 'command':
    case 'object':
    case 'regenerate':
      return undefined;
  }
};

const fileHolds = async (
  fs: HostFs,
  { path, content, mode, owner }: Extract<Action, { kind: 'file' }>,
): Promise<boolean> => {
  if ((await fs.readText(path)) !== content) return false;
  const stat = await statOfTarget(fs, path);
  return (
    (mode ?? stat?.mode) === stat?.mode &&
    (owner?.uid ?? stat?.uid) === stat?.uid &&
    (owner?.gid ?? stat?.gid) === stat?.gid
  );
};

const bindingHolds = async (
  fs: HostFs,
  path: HostPath,
  address: string,
): Promise<boolean | undefined> => {
  const verb = posix.basename(path);
  if (verb !== 'bind' && verb !== 'unbind') return undefined;
  const driver = await readLinkName(fs, pciAttribute(address, 'driver'));
  const named = posix.basename(posix.dirname(path));
  if (verb === 'bind') return driver === named;
  return named === 'driver' ? driver === undefined : driver !== named;
};
