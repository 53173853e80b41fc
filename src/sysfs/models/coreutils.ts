import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { HostError } from '../../errors.ts';
import type { HostPath } from '../../host.ts';
import type { Overlay } from '../overlay.ts';
import type { QueryModel } from './command-models.ts';
import { complained, printed } from './printed.ts';

/** Programs that move files, as far as stages use them (GNU coreutils). */
export const coreutilsModels: Readonly<Record<string, QueryModel>> = {
  cp: async ({ argv }, { fs }) => {
    const [from, to] = operands(argv);
    if (from === undefined || to === undefined) return undefined;
    await copyFolder(fs, from, to);
    return printed('');
  },
  install: async ({ argv }, { fs }) => {
    const [from, to] = operands(argv);
    const content = from && (await fs.readBytes(from));
    if (from === undefined || to === undefined) return undefined;
    if (content === undefined) return complained(`install: cannot stat '${from}': No such file`);
    await fs.mkdir(posix.dirname(to) as HostPath);
    await fs.writeFile(to, content, { mode: 0o644 });
    return printed('');
  },
  rm: async ({ argv }, { fs }) => {
    for (const path of operands(argv)) await fs.remove(path);
    return printed('');
  },
  rmdir: async ({ argv }, { fs }) => {
    for (const path of operands(argv)) {
      if ((await fs.list(path))?.length === 0) await fs.remove(path);
    }
    return printed('');
  },
  /** What is asked of a host's own files it answers itself; of a captured tree they are read here. */
  sha256sum: async (command, { fs }, base) => {
    const answer = await base.query(command);
    if (answer.ran) return answer;
    const lines: string[] = [];
    for (const path of operands(command.argv)) {
      const bytes = await fs.readBytes(path);
      if (bytes === undefined) return complained(`sha256sum: ${path}: No such file or directory`);
      lines.push(`${createHash('sha256').update(bytes).digest('hex')}  ${path}\n`);
    }
    return printed(lines.join(''));
  },
};

const operands = (argv: readonly string[]): readonly HostPath[] => {
  const end = argv.indexOf('--');
  return argv.slice(end + 1).filter((word): word is HostPath => word.startsWith('/'));
};

/** Only text is ever read of a copy: what is none stays empty. */
const copyFolder = async (fs: Overlay, from: HostPath, to: HostPath): Promise<void> => {
  await fs.mkdir(to);
  for (const name of (await fs.list(from)) ?? []) {
    const [source, target]: readonly [HostPath, HostPath] = [`${from}/${name}`, `${to}/${name}`];
    const kind = (await fs.stat(source))?.kind;
    if (kind === 'directory') await copyFolder(fs, source, target);
    if (kind === 'link') await fs.setLink(target, (await fs.readLink(source)) ?? '');
    if (kind === 'file') await fs.writeFile(target, await textOf(fs, source));
  }
};

const textOf = async (fs: Overlay, path: HostPath): Promise<string> => {
  try {
    return (await fs.readText(path)) ?? '';
  } catch (error) {
    if (error instanceof HostError && error.errno === 'EILSEQ') return '';
    throw error;
  }
};
