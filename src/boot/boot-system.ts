import type { Change } from '../change.ts';
import type { Problem } from '../events.ts';
import type { HostView } from '../host.ts';
import type { BootOptions } from '../resolved-spec.ts';
import type { BootLayers } from './layers.ts';

/** One way in which a host keeps its kernel command line. */
export interface BootSystem {
  readonly id: string;
  /** In a plan and a status: what was found and what is done about it. */
  readonly title: string;
  /** By what the host has, never by a distribution's name alone where the files can tell. */
  detect(host: HostView, options: BootOptions): Promise<boolean>;
  read(host: HostView): Promise<BootLayers>;
  /** Why the arguments cannot be put in here; a person gets the exact words to do it. */
  obstacle(host: HostView, missing: readonly string[]): Promise<Problem | undefined>;
  /** What is still to do so that the next boot has the arguments; nothing where there is an obstacle. */
  add(host: HostView, wanted: readonly string[]): Promise<readonly Change[]>;
  /** Takes out what `add` put in, and nothing that was there before. */
  remove(host: HostView): Promise<readonly Change[]>;
}
