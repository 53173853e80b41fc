import type { Step } from '../step.ts';
import { devicePlugin } from './device-plugin.ts';
import { dra } from './dra.ts';
import { driver } from './driver.ts';
import { driverSource } from './driver-source.ts';
import { eswitch, eswitchFirst } from './eswitch.ts';
import { iommu } from './iommu.ts';
import { lspci } from './lspci.ts';
import { multus } from './multus.ts';
import { network } from './network.ts';
import { persistStep } from './persist.ts';
import { sriovCni } from './sriov-cni.ts';
import { vfDriver } from './vf-driver.ts';
import { vfSettings } from './vf-settings.ts';
import { vfs } from './vfs.ts';
import { workload } from './workload.ts';

/** What a boot undoes and has to be done again after it. */
export const hostSteps: readonly Step[] = [
  driver,
  eswitchFirst,
  vfs,
  eswitch,
  vfSettings,
  vfDriver,
];

/** Every stage in the order of a run; --only, --skip, help and reports derive from this list. */
export const steps: readonly Step[] = [
  iommu,
  driverSource,
  ...hostSteps,
  lspci,
  persistStep(hostSteps),
  multus,
  sriovCni,
  devicePlugin,
  dra,
  network,
  workload,
];
