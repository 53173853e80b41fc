import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { commandLine, HostError } from '../errors.ts';
import type { Command, FileStat, HostFs, HostPath, HostView } from '../host.ts';
import { followLink } from '../sysfs/read.ts';
import { type DkmsConf, parseDkmsConf } from './dkms-conf.ts';
import { modulesOfMakefile } from './makefile.ts';
import { type Member, membersOfFolder, parseTarListing, unsafeMember } from './members.ts';

/** A driver's source as a user gave it: nothing of it has been run. */
export interface DriverSource {
  readonly path: HostPath;
  readonly kind: 'folder' | 'tarball';
  readonly files: readonly string[];
  /** The folder in it that kbuild is given, and the modules that its Makefile builds. */
  readonly kbuild?: { readonly folder: string; readonly modules: readonly string[] };
  /** The folder in it that DKMS is given. */
  readonly dkms?: DkmsConf & { readonly folder: string };
}

export type SourceState =
  | { readonly state: 'readable'; readonly source: DriverSource }
  | { readonly state: 'unusable'; readonly problem: string; readonly hint: string }
  /** Nobody has recorded what is in it. */
  | { readonly state: 'unknown'; readonly because: string };

/** Looks into a folder or a tarball, and finds what kbuild or DKMS would be given of it. */
export const readSource = async (host: HostView, path: HostPath): Promise<SourceState> => {
  const kind = (await statOfTarget(host.fs, path))?.kind;
  if (kind === undefined) {
    return unusable(`there is no ${path}`, 'Give the folder or the tarball of a driver’s source.');
  }
  const listing =
    kind === 'directory' ? await listFolder(host.fs, path) : await listTarball(host, path);
  if (listing.state !== 'listed') return listing;
  const { members } = listing;
  const unsafe = unsafeMember(members);
  if (unsafe !== undefined) {
    return unusable(
      `${path} is not safe to unpack as root: ${unsafe}`,
      'Get the source from somebody you trust, or unpack it yourself and give the folder.',
    );
  }
  return analysed(host, path, kind === 'directory' ? 'folder' : 'tarball', members);
};

type Listing =
  | { readonly state: 'listed'; readonly members: readonly Member[] }
  | Exclude<SourceState, { state: 'readable' }>;

/**
 * What tells one source from another: the digest of the digests of all its files, but those that a
 * build makes.
 */
export const fingerprintOf = async (
  host: HostView,
  { path, kind, files }: DriverSource,
): Promise<string> => {
  const paths =
    kind === 'tarball' ? [path] : files.filter(isSource).map((file) => `${path}/${file}`);
  const digests = await ask(host, { argv: ['sha256sum', '--', ...paths], timeoutMs: 60_000 });
  return createHash('sha256').update(digests).digest('hex');
};

const isSource = (file: string): boolean =>
  !/(?:\.(?:o|ko|a|mod|mod\.c|cmd|symvers|order)|~)$/.test(file);

/** The first folder, from the top, that says what it builds. */
const analysed = async (
  host: HostView,
  path: HostPath,
  kind: DriverSource['kind'],
  members: readonly Member[],
): Promise<SourceState> => {
  const files = members.flatMap((member) => (member.kind === 'file' ? [member.name] : []));
  const read = (file: string): Promise<string | undefined> =>
    kind === 'folder' ? host.fs.readText(`${path}/${file}`) : fileOfTarball(host, path, file);
  const dkms = await first(files, /^dkms\.conf$/, async (file) => {
    const conf = parseDkmsConf((await read(file)) ?? '');
    return conf && { ...conf, folder: posix.dirname(file) };
  });
  const kbuild = await first(files, /^(?:Kbuild|Makefile)$/, async (file) => {
    const modules = modulesOfMakefile((await read(file)) ?? '');
    return modules.length === 0 ? undefined : { folder: posix.dirname(file), modules };
  });
  if (kbuild === undefined && dkms === undefined) {
    return unusable(
      `${path} has no Makefile or Kbuild with \`obj-m\`, and no dkms.conf that can be read`,
      'Give the folder of the driver itself; one that is built otherwise has to be installed as its vendor says.',
    );
  }
  const source: DriverSource = {
    path,
    kind,
    files,
    ...(kbuild !== undefined && { kbuild }),
    ...(dkms !== undefined && { dkms }),
  };
  return { state: 'readable', source };
};

/** How far below the top a driver's own folder is looked for. */
const deepest = 4;

const first = async <T>(
  files: readonly string[],
  name: RegExp,
  look: (file: string) => Promise<T | undefined>,
): Promise<T | undefined> => {
  const depth = (file: string): number => file.split('/').length;
  const candidates = files
    .filter((file) => name.test(posix.basename(file)) && depth(file) <= deepest)
    // Where there are both, kbuild takes the Kbuild, which sorts first.
    .sort((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1));
  for (const file of candidates) {
    const found = await look(file);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** --force-local: a colon in a path is no name of a machine. */
const tar = (...args: readonly string[]): Command => ({
  argv: ['tar', '--force-local', ...args],
  timeoutMs: 60_000,
});

const listFolder = async (fs: HostFs, path: HostPath): Promise<Listing> => {
  const members = await membersOfFolder(fs, path);
  return members === undefined
    ? unusable(`${path} has more files than any driver`, 'Give the driver’s own folder.')
    : { state: 'listed', members };
};

const listTarball = async (host: HostView, path: HostPath): Promise<Listing> => {
  const answer = await host.query(tar('--numeric-owner', '-tvf', path));
  if (!answer.ran) return { state: 'unknown', because: answer.because };
  return answer.exitCode === 0
    ? { state: 'listed', members: parseTarListing(answer.stdout) }
    : unusable(
        `${path} is neither a folder nor a tarball: ${lastLine(answer.stderr)}`,
        'Give a folder, or what tar can read; for .xz and .zst files tar needs these programs.',
      );
};

const fileOfTarball = (host: HostView, path: HostPath, file: string): Promise<string> =>
  ask(host, tar('-xOf', path, '--', file));

const ask = async (host: HostView, command: Command): Promise<string> => {
  const answer = await host.query(command);
  const line = commandLine({ argv: command.argv.slice(0, 6) as unknown as Command['argv'] });
  if (!answer.ran) throw new HostError('ENOENT', line, answer.because);
  if (answer.exitCode === 0) return answer.stdout;
  throw new HostError('EXIT', line, lastLine(answer.stderr));
};

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';

const unusable = (problem: string, hint: string) => ({ state: 'unusable', problem, hint }) as const;

const statOfTarget = async (fs: HostFs, path: HostPath): Promise<FileStat | undefined> => {
  const stat = await fs.stat(path);
  const target = stat?.kind === 'link' ? await followLink(fs, path) : undefined;
  return target === undefined ? stat : statOfTarget(fs, target);
};
