import type { Action } from '../host.ts';
import { pciAttribute } from './paths.ts';

/** Takes a function from whatever driver has it. */
export const unbinding = (address: string): Action => ({
  kind: 'trigger',
  path: pciAttribute(address, 'driver/unbind'),
  value: address,
});
