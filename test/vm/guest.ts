import path from 'node:path';
import { debianWithNode, ensureImage, type ImageDefinition } from './image.ts';
import { bootMachine, type Machine, type MachineOptions } from './machine.ts';

export type Guest = Machine;

export interface GuestOptions extends MachineOptions {
  readonly image?: ImageDefinition;
}

export const repositoryRoot = path.resolve(import.meta.dirname, '../..');

/** Boots a fresh guest that has the built product in /opt/sriovctl; nothing it does outlives it. */
export async function bootGuest(options: GuestOptions = {}): Promise<Guest> {
  const { image = debianWithNode, ...machine } = options;
  const dist = path.join(repositoryRoot, 'dist');
  return bootMachine(await ensureImage(image), { dist, ...machine });
}
