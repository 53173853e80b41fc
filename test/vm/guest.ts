import path from 'node:path';
import { debianWithNode, ensureImage, type ImageDefinition } from './image.ts';
import { type Machine, startMachine } from './machine.ts';
import { defaultHardware, type Hardware } from './qemu.ts';
import { ensureSnapshot } from './snapshot.ts';

export type Guest = Machine;

export interface GuestOptions extends Partial<Hardware> {
  readonly image?: ImageDefinition;
  /** Boot it instead of going on from a machine of this kind that has booted before. */
  readonly coldBoot?: boolean;
}

export const repositoryRoot = path.resolve(import.meta.dirname, '../..');

/** Starts a fresh guest that has the built product in /opt/sriovctl; nothing it does outlives it. */
export async function bootGuest(options: GuestOptions = {}): Promise<Guest> {
  const { image: definition = debianWithNode, coldBoot = false, ...different } = options;
  const image = await ensureImage(definition);
  const hardware: Hardware = { ...defaultHardware, ...different };
  const snapshot = coldBoot ? undefined : await ensureSnapshot(image, hardware);
  return startMachine({ image, hardware, snapshot, dist: path.join(repositoryRoot, 'dist') });
}
