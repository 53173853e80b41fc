import { execa } from 'execa';
import { repositoryRoot } from './guest.ts';
import { debianWithNode, ensureImage } from './image.ts';
import { checkPrerequisites } from './prerequisites.ts';

/** What every scenario needs, made or found before the first one's clock starts. */
export default async function setup(): Promise<void> {
  await checkPrerequisites();
  await execa('npm', ['run', '--silent', 'build'], { cwd: repositoryRoot });
  await ensureImage(debianWithNode);
}
