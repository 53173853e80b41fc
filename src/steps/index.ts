import type { Step } from '../step.ts';
import { devicePlugin } from './device-plugin.ts';
import { driver } from './driver.ts';
import { lspci } from './lspci.ts';
import { multus } from './multus.ts';
import { network } from './network.ts';
import { sriovCni } from './sriov-cni.ts';
import { vfs } from './vfs.ts';

/** Every stage in the order of a run; --only, --skip, help and reports derive from this list. */
export const steps: readonly Step[] = [driver, vfs, lspci, multus, sriovCni, devicePlugin, network];
