import type { HostFs, HostPath } from '../../host.ts';
import { textCanMean } from './match.ts';
import type { FindManagers, OtherManager } from './other-manager.ts';
import { readFolders, readTextFile, systemFolders, type TextFile } from './texts.ts';

interface Place {
  readonly name: string;
  readonly files?: readonly HostPath[];
  readonly folders?: readonly HostPath[];
  readonly suffixes?: readonly string[];
  readonly effect: string;
}

/** Where people write sriov_numvfs from, and when that text is used. */
const places: readonly Place[] = [
  {
    name: 'a udev rule',
    folders: systemFolders('udev/rules.d'),
    suffixes: ['.rules'],
    effect: 'writes sriov_numvfs whenever udev runs it',
  },
  {
    name: 'rc.local',
    files: ['/etc/rc.local', '/etc/rc.d/rc.local'],
    effect: 'writes sriov_numvfs at the end of each boot',
  },
  {
    name: 'tmpfiles.d',
    folders: systemFolders('tmpfiles.d'),
    suffixes: ['.conf'],
    effect: 'writes sriov_numvfs at each boot',
  },
  {
    name: 'sysfs.d',
    files: ['/etc/sysfs.conf'],
    folders: ['/etc/sysfs.d'],
    suffixes: ['.conf'],
    effect: 'writes sriov_numvfs at each boot',
  },
  {
    name: 'a systemd unit',
    folders: ['/etc/systemd/system', '/run/systemd/system'],
    suffixes: ['.service'],
    effect: 'writes sriov_numvfs whenever it is started',
  },
  {
    name: 'ifupdown',
    files: ['/etc/network/interfaces'],
    folders: [
      '/etc/network/interfaces.d',
      '/etc/network/if-pre-up.d',
      '/etc/network/if-up.d',
      '/etc/network/if-down.d',
    ],
    effect: 'writes sriov_numvfs when an interface goes up or down',
  },
  {
    name: 'a NetworkManager dispatcher script',
    folders: [
      '/etc/NetworkManager/dispatcher.d',
      '/etc/NetworkManager/dispatcher.d/pre-up.d',
      '/usr/lib/NetworkManager/dispatcher.d',
    ],
    effect: 'writes sriov_numvfs when an interface goes up or down',
  },
  {
    name: 'cron',
    files: ['/etc/crontab', '/var/spool/cron/root', '/var/spool/cron/crontabs/root'],
    folders: ['/etc/cron.d'],
    effect: 'writes sriov_numvfs at its times',
  },
];

/** Rules, scripts and tables that contain `sriov_numvfs` in a line that can mean the PF. */
export const textsThatWrite: FindManagers = async (fs, pf) => {
  const found: OtherManager[] = [];
  for (const place of places) {
    for (const file of await filesOf(fs, place)) {
      for (const { line, text } of statements(file)) {
        if (!textCanMean(text, pf)) continue;
        found.push({ name: place.name, file: file.path, line, effect: place.effect });
      }
    }
  }
  return found;
};

const filesOf = async (
  fs: HostFs,
  { files = [], folders = [], suffixes = [] }: Place,
): Promise<readonly TextFile[]> => {
  const found = [...(await readFolders(fs, folders, ...suffixes))];
  for (const path of files) {
    const file = await readTextFile(fs, path);
    if (file !== undefined) found.push(file);
  }
  return found;
};

/** Lines with sriov_numvfs that are no comment, together with those they are continued from and to. */
const statements = ({
  lines,
}: TextFile): readonly { readonly line: number; readonly text: string }[] => {
  const found: { line: number; text: string }[] = [];
  let start = 0;
  for (const [index, text] of lines.entries()) {
    if (text.endsWith('\\')) continue;
    const whole = lines.slice(start, index + 1).map((part) => part.replace(/\\$/, ' '));
    const at = whole.findIndex((part) => part.includes('sriov_numvfs'));
    const comment = /^\s*[#;]/.test(whole[0] ?? '');
    if (at !== -1 && !comment) found.push({ line: start + at + 1, text: whole.join('') });
    start = index + 1;
  }
  return found;
};
