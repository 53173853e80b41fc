import type { HostPath } from '../host.ts';

/** A file that is to be on the host for the next boot. */
export interface InstalledFile {
  readonly path: HostPath;
  readonly content: string;
  readonly mode: number;
  readonly reason: string;
}
