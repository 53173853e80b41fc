import { posix } from 'node:path';
import type { HostPath } from '../../host.ts';
import type { QueryModel } from './command-models.ts';
import { printed } from './printed.ts';

/**
 * `tar --one-top-level=FOLDER -xf TARBALL`: what the host's own tar lists of it is unpacked, and of
 * that the texts that say what is built. Reading a tarball is the host's own business.
 */
export const tarModel: QueryModel = async ({ argv }, { fs }, base) => {
  const top = argv.find((word) => word.startsWith('--one-top-level='))?.split('=')[1];
  const tarball = argv.at(-1);
  if (top === undefined || tarball === undefined) return undefined;
  const ask = async (...args: readonly string[]): Promise<string> => {
    const answer = await base.query({ argv: ['tar', '--force-local', ...args] });
    return answer.ran ? answer.stdout : '';
  };
  await fs.mkdir(top as HostPath);
  for (const member of (await ask('-tf', tarball)).split('\n')) {
    const path = posix.join(top, member) as HostPath;
    if (member === '') continue;
    if (member.endsWith('/')) await fs.mkdir(path);
    else {
      await fs.mkdir(posix.dirname(path) as HostPath);
      const told = /^(?:Kbuild|Makefile|dkms\.conf)$/.test(posix.basename(member));
      await fs.writeFile(path, told ? await ask('-xOf', tarball, '--', member) : '');
    }
  }
  return printed('');
};
