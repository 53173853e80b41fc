import { debianWithNode, ensureImage } from './image.ts';

export default async function setup(): Promise<void> {
  await ensureImage(debianWithNode);
}
