import type { HostView } from '../../host.ts';
import type { BootOptions } from '../../resolved-spec.ts';
import type { BootSystem } from '../boot-system.ts';
import { emitOnlyFirst, emitOnlyLast } from './emit-only.ts';
import { grubDropIn } from './grub-drop-in.ts';
import { grubFile, grubSuse } from './grub-file.ts';
import { grubby } from './grubby.ts';
import { kernelInstall, proxmoxBootTool, sdbootutil } from './kernel-cmdline.ts';
import { rpmOstree } from './rpm-ostree.ts';

/** In the order in which they are looked for: the more special before the more general. */
export const bootSystems: readonly BootSystem[] = [
  rpmOstree,
  ...emitOnlyFirst,
  proxmoxBootTool,
  sdbootutil,
  kernelInstall,
  grubby,
  grubSuse,
  grubDropIn,
  grubFile,
  ...emitOnlyLast,
];

/** The way this host keeps its kernel command line; one that nothing is known of if need be. */
export const detectBootSystem = async (
  host: HostView,
  options: BootOptions,
): Promise<BootSystem> => {
  for (const system of bootSystems) if (await system.detect(host, options)) return system;
  throw new Error('the last boot system takes every host');
};
