import type { Action } from '../host.ts';
import { pciAttribute, pciDriver } from './paths.ts';

/** Gives a function to a driver by name, which says why not if it does not take it. */
export const binding = (driver: string, address: string): Action => ({
  kind: 'trigger',
  path: `${pciDriver(driver)}/bind`,
  value: address,
});

/** Takes a function from whatever driver has it. */
export const unbinding = (address: string): Action => ({
  kind: 'trigger',
  path: pciAttribute(address, 'driver/unbind'),
  value: address,
});
