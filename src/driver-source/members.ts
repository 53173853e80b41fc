import { posix } from 'node:path';
import type { HostFs, HostPath } from '../host.ts';

/** A file, folder or link of a source, by its path in it. */
export interface Member {
  readonly kind: 'file' | 'directory' | 'link' | 'hard-link' | 'other';
  readonly name: string;
  /** Where a link leads. */
  readonly target?: string;
}

/** No driver has as many; a folder with more is something else, such as a home directory. */
const most = 10_000;

/** All that is below a folder, but what version control keeps; `undefined` if that is too much. */
export const membersOfFolder = async (
  fs: HostFs,
  top: HostPath,
): Promise<readonly Member[] | undefined> => {
  const members: Member[] = [];
  const pending = [''];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const entry of (await fs.list(posix.join(top, folder) as HostPath)) ?? []) {
      const name = posix.join(folder, entry);
      const path: HostPath = `${top}/${name}`;
      const kind = (await fs.stat(path))?.kind;
      if (kind === undefined || versionControl.has(entry)) continue;
      const target = kind === 'link' ? await fs.readLink(path) : undefined;
      members.push({ kind, name, ...(target !== undefined && { target }) });
      if (kind === 'directory') pending.push(name);
    }
    if (members.length > most) return undefined;
  }
  return members.sort(byName);
};

const versionControl: ReadonlySet<string> = new Set(['.git', '.hg', '.svn']);

const byName = (a: Member, b: Member): number => (a.name < b.name ? -1 : 1);

/** What `tar --numeric-owner -tv` prints; a line that makes no sense counts as a member of no safe kind. */
export const parseTarListing = (text: string): readonly Member[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, type = '', rest = line] = listed.exec(line) ?? [];
      const kind = kinds[type] ?? 'other';
      const [name = '', target, ...more] = rest.split(arrows[type] ?? '\0');
      if (more.length > 0) return { kind: 'other', name: rest };
      return {
        kind,
        name: kind === 'directory' ? name.replace(/\/$/, '') : name,
        ...(target !== undefined && { target }),
      };
    });

const listed = /^(.)[\w-]{9}[+.@]?\s+\d+\/\d+\s+\d+(?:,\d+)?\s+[\d-]{10} [\d:]{5,8} (.*)$/s;

const kinds: Readonly<Record<string, Member['kind']>> = {
  '-': 'file',
  d: 'directory',
  l: 'link',
  h: 'hard-link',
};

const arrows: Readonly<Record<string, string>> = { l: ' -> ', h: ' link to ' };

/**
 * Why a source must not be unpacked or copied by root, in words that name the member; `undefined` if
 * nothing of it can come to lie, or lead, outside the folder that it is put into.
 */
export const unsafeMember = (members: readonly Member[]): string | undefined => {
  const links = new Set(
    members.flatMap(({ kind, name }) => (kind === 'link' ? [plain(name)] : [])),
  );
  for (const member of members) {
    const why = whyUnsafe(member, links);
    if (why !== undefined) return `${JSON.stringify(member.name)} ${why}`;
  }
  return undefined;
};

const whyUnsafe = (
  { kind, name, target = '' }: Member,
  links: ReadonlySet<string>,
): string | undefined => {
  if (kind === 'other') return 'is neither a file, a folder nor a link';
  if (name.startsWith('/')) return 'is an absolute path';
  if (partsOf(name).includes('..')) return 'leads upwards (..)';
  if (foldersAbove(name).some((folder) => links.has(folder))) return 'lies behind a link';
  if (kind === 'hard-link') {
    return isInside(target) ? undefined : `is a link to ${target}, outside of the source`;
  }
  if (kind !== 'link') return undefined;
  // With `..` at its start only, it leads nowhere that its own folder and the links there do not.
  const inner = partsOf(target);
  const upwards = inner.findIndex((part) => part !== '..');
  const wanders = upwards !== -1 && inner.slice(upwards).includes('..');
  const inside = isInside(posix.join(posix.dirname(plain(name)), target));
  return target.startsWith('/') || wanders || !inside
    ? `is a link to ${target}, outside of the source`
    : undefined;
};

const partsOf = (path: string): readonly string[] =>
  path.split('/').filter((part) => part !== '' && part !== '.');

const plain = (name: string): string => partsOf(name).join('/');

const isInside = (path: string): boolean =>
  !path.startsWith('/') && partsOf(posix.normalize(path))[0] !== '..';

const foldersAbove = (name: string): readonly string[] => {
  const parts = partsOf(name);
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
};
