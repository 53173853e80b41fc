import type { Change } from '../change.ts';
import type { Command, HostFs, HostPath } from '../host.ts';
import { madeBySriovctl } from './boot-script.ts';
import { type Installation, namesOf } from './installation.ts';
import type { InstalledFile } from './installed-file.ts';
import {
  bootUnit,
  bootUnitPath,
  enabledPath,
  networkManagerRulesPath,
  pfUnitPath,
  recordPath,
  scriptPath,
  tagRulesPath,
} from './places.ts';
import { rcLocalPath, withoutBlock } from './rc-local.ts';
import {
  foldersAbove,
  type InstallRecord,
  missingFolders,
  readRecord,
  recordText,
} from './record.ts';

/** Where our files may be if the record is lost. */
const knownPaths: readonly HostPath[] = [
  scriptPath,
  bootUnitPath,
  pfUnitPath,
  tagRulesPath,
  networkManagerRulesPath,
];

export const enableCommand: Command = { argv: ['systemctl', 'enable', bootUnit] };
/** It has nothing to stop, but systemd is not to show a unit whose file is gone. */
export const disableCommand: Command = { argv: ['systemctl', 'disable', '--now', bootUnit] };
export const reloadUnits: Command = { argv: ['systemctl', 'daemon-reload'] };
export const reloadRules: Command = { argv: ['udevadm', 'control', '--reload'] };

/** What brings the host's files for the next boot to the wanted state; what is in its place is left alone. */
export const planInstallation = async (
  wanted: Installation,
  fs: HostFs,
): Promise<readonly Change[]> => {
  const record = await readRecord(fs);
  const stale = await staleFiles(wanted, record, fs);
  const missing = await missingFiles(wanted.files, fs);
  const block = await planBlock(wanted, record, fs);
  const enabled = (await fs.stat(enabledPath)) !== undefined;
  const gone = wanted.files.length === 0;
  return [
    ...(enabled && !wanted.enabled ? [disabling] : []),
    ...(wanted.block === undefined ? block : []),
    ...stale.map(removal),
    // The record says what there may be, never less: it comes first and goes last.
    ...(gone ? [] : await writeRecord(wanted, record, fs)),
    ...missing,
    ...(wanted.block === undefined ? [] : block),
    ...reloads([...stale.map(removal), ...missing]),
    ...(!enabled && wanted.enabled ? [enabling] : []),
    ...(await planFolders(wanted, record, stale, fs)),
    ...(gone ? await removeRecord(fs) : []),
  ];
};

const removal = (path: HostPath): Change => ({
  action: { kind: 'remove', path },
  reason: 'it was installed for what is no longer wanted',
});

const staleFiles = async (
  wanted: Installation,
  record: InstallRecord | undefined,
  fs: HostFs,
): Promise<readonly HostPath[]> => {
  const keep = new Set(wanted.files.map(({ path }) => path));
  const stale: HostPath[] = [];
  for (const path of new Set([...(record?.files ?? []), ...knownPaths])) {
    if (!keep.has(path) && (await isOurs(path, record, fs))) stale.push(path);
  }
  return stale;
};

/** A file that somebody else has put in our place meanwhile is theirs. */
const isOurs = async (
  path: HostPath,
  record: InstallRecord | undefined,
  fs: HostFs,
): Promise<boolean> => {
  if ((await fs.stat(path))?.kind !== 'file') return false;
  if (record?.files.includes(path) === true) return true;
  return (await fs.readText(path))?.includes(madeBySriovctl) === true;
};

const missingFiles = async (
  files: readonly InstalledFile[],
  fs: HostFs,
): Promise<readonly Change[]> => {
  const changes: Change[] = [];
  for (const { path, content, mode, reason } of files) {
    const same = (await fs.readText(path)) === content && (await fs.stat(path))?.mode === mode;
    if (!same) changes.push({ action: { kind: 'file', path, content, mode }, reason });
  }
  return changes;
};

const planBlock = async (
  wanted: Installation,
  record: InstallRecord | undefined,
  fs: HostFs,
): Promise<readonly Change[]> => {
  const { block } = wanted;
  if (block !== undefined) return missingFiles([block], fs);
  const path = record?.block?.path ?? (await rcLocalPath(fs));
  const text = await fs.readText(path);
  if (text === undefined || withoutBlock(text) === text) return [];
  const reason = 'rc.local no longer makes VFs';
  const bare = withoutBlock(text);
  const mode = record?.block?.mode;
  if (record?.block !== undefined && mode === undefined && bare === emptyRcLocal) {
    return [{ action: { kind: 'remove', path }, reason }];
  }
  const kept = mode === undefined ? {} : { mode };
  return [{ action: { kind: 'file', path, content: bare, ...kept }, reason }];
};

/** What is left of an rc.local that we made, without the block. */
const emptyRcLocal = '#!/bin/sh\nexit 0\n';

const enabling: Change = {
  action: { kind: 'command', command: enableCommand },
  reason: `${bootUnit} is to be part of each boot`,
  undo: [{ kind: 'command', command: disableCommand }],
};

const disabling: Change = {
  action: { kind: 'command', command: disableCommand },
  reason: `${bootUnit} is no longer to be part of each boot`,
  undo: [{ kind: 'command', command: enableCommand }],
};

const reloads = (files: readonly Change[]): readonly Change[] => {
  const paths = files.flatMap(({ action }) => ('path' in action ? [action.path] : []));
  const units = paths.filter((path) => path.startsWith('/etc/systemd/system/'));
  const rules = paths.filter((path) => path.startsWith('/etc/udev/rules.d/'));
  return [
    ...reload(reloadUnits, units, 'systemd reads its units again'),
    ...reload(reloadRules, rules, 'udev reads its rules again'),
  ];
};

const reload = (command: Command, after: readonly HostPath[], reason: string): readonly Change[] =>
  after.length === 0 ? [] : [{ action: { kind: 'regenerate', command, after }, reason }];

const writeRecord = async (
  wanted: Installation,
  record: InstallRecord | undefined,
  fs: HostFs,
): Promise<readonly Change[]> => {
  const { mechanism, plans, files, block } = wanted;
  const needed = neededFolders(wanted);
  const missing = await missingFolders(fs, pathsOf(wanted));
  const folders = new Set([...(record?.folders ?? []).filter((at) => needed.has(at)), ...missing]);
  const names = record?.names ?? {};
  const installed: InstallRecord = {
    mechanism,
    plans: [...plans],
    names,
    files: files.map(({ path }) => path),
    folders: [...folders],
    ...(block !== undefined && { block: await blockRecord(block, record, fs) }),
  };
  // A name is written down when there is something to install: a new one alone is no difference.
  if ((await fs.readText(recordPath)) === recordText(installed)) return [];
  const current = [...(await namesOf(plans, fs))].map(
    ([address, name]): readonly [string, string] => [name, address],
  );
  const content = recordText({
    ...installed,
    names: { ...names, ...Object.fromEntries(current) },
  });
  const reason = 'what is installed, so that exactly this can be taken out again';
  return [{ action: { kind: 'file', path: recordPath, content, mode: 0o600 }, reason }];
};

const removeRecord = async (fs: HostFs): Promise<readonly Change[]> =>
  (await fs.stat(recordPath)) === undefined
    ? []
    : [{ action: { kind: 'remove', path: recordPath }, reason: 'nothing is installed any more' }];

const pathsOf = ({ files, block }: Installation): readonly HostPath[] =>
  [...files, ...(block === undefined ? [] : [block])].map(({ path }) => path);

const neededFolders = (wanted: Installation): ReadonlySet<HostPath> =>
  new Set(pathsOf(wanted).flatMap(foldersAbove));

const blockRecord = async (
  { path }: InstalledFile,
  record: InstallRecord | undefined,
  fs: HostFs,
): Promise<NonNullable<InstallRecord['block']>> => {
  if (record?.block?.path === path) return record.block;
  const mode = (await fs.stat(path))?.mode;
  return { path, ...(mode !== undefined && { mode }) };
};

/** Folders that we made and that hold nothing but what goes now, innermost first. */
const planFolders = async (
  wanted: Installation,
  record: InstallRecord | undefined,
  removed: readonly HostPath[],
  fs: HostFs,
): Promise<readonly Change[]> => {
  const needed = neededFolders(wanted);
  const gone = new Set<string>(removed);
  const changes: Change[] = [];
  for (const path of (record?.folders ?? []).toReversed()) {
    const names = needed.has(path) ? undefined : await fs.list(path);
    if (names === undefined || names.some((name) => !gone.has(`${path}/${name}`))) continue;
    gone.add(path);
    const reason = 'the folder was made for what is no longer there';
    changes.push({ action: { kind: 'remove', path }, reason });
  }
  return changes;
};
