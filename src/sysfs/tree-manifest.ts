import { posix } from 'node:path';
import { SriovctlError } from '../errors.ts';
import type { HostPath } from '../host.ts';

/** What a folder of plain files cannot say about the host it was captured from. */
export interface Manifest {
  /** Empty folders, which git does not keep. */
  readonly directories: ReadonlySet<HostPath>;
  readonly modes: ReadonlyMap<HostPath, number>;
  readonly readErrnos: ReadonlyMap<HostPath, string>;
  readonly writeErrnos: ReadonlyMap<HostPath, string>;
}

type Add = (path: HostPath) => void;

/** The file at the top of a tree that holds it. */
export const manifestName = 'MANIFEST';

/**
 * Reads the lines `dir PATH`, `mode OCTAL PATH` and `errno NAME read|write PATH`.
 *
 * @throws SriovctlError for any other line.
 */
export const parseManifest = (text: string, file: string): Manifest => {
  const directories = new Set<HostPath>();
  const modes = new Map<HostPath, number>();
  const errnos = { read: new Map<HostPath, string>(), write: new Map<HostPath, string>() };
  /** What lines that begin so add a path to. */
  const adderFor = (head: string): Add | undefined => {
    if (head === 'dir')
      return (path) => {
        addDirectory(directories, path);
      };
    const [, octal] = /^mode ([0-7]{3,4})$/.exec(head) ?? [];
    if (octal !== undefined)
      return (path) => {
        modes.set(path, Number.parseInt(octal, 8));
      };
    const [, errno, verb] = /^errno (E[A-Z0-9]+) (read|write)$/.exec(head) ?? [];
    if (errno === undefined) return undefined;
    return (path) => {
      errnos[verb as 'read' | 'write'].set(path, spelled(errno));
    };
  };
  // A large tree has hundreds of thousands of lines and a dozen of beginnings.
  const adders = new Map<string, Add | undefined>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const end = line.indexOf(' /');
    const head = end === -1 ? line : line.slice(0, end);
    if (!adders.has(head)) adders.set(head, adderFor(head));
    const add = end === -1 ? undefined : adders.get(head);
    if (add === undefined) throw malformed(file, index + 1, line);
    add(line.slice(end + 1) as HostPath);
  }
  return { directories, modes, readErrnos: errnos.read, writeErrnos: errnos.write };
};

export const formatManifest = (manifest: Manifest): string => {
  const lines = [
    ...[...manifest.directories].map((path) => `dir ${path}`),
    ...[...manifest.modes].map(
      ([path, mode]) => `mode ${mode.toString(8).padStart(3, '0')} ${path}`,
    ),
    ...[...manifest.readErrnos].map(([path, errno]) => `errno ${errno} read ${path}`),
    ...[...manifest.writeErrnos].map(([path, errno]) => `errno ${errno} write ${path}`),
  ];
  return lines.map((line) => `${line}\n`).join('');
};

/** The name that errors of this program use (see errno.ts). */
const spelled = (errno: string): string => (errno === 'ENOTSUP' ? 'EOPNOTSUPP' : errno);

const addDirectory = (directories: Set<HostPath>, path: HostPath): void => {
  for (let at = path; at !== '/'; at = posix.dirname(at) as HostPath) directories.add(at);
};

const malformed = (file: string, line: number, text: string): SriovctlError =>
  new SriovctlError('TREE_MANIFEST', `${file}, line ${line}: cannot make sense of "${text}"`, {
    exit: 'usage',
    hint: 'Lines are `dir PATH`, `mode OCTAL PATH` and `errno NAME read|write PATH`.',
  });
