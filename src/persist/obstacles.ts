import { posix } from 'node:path';
import type { CheckResult } from '../check.ts';
import type { Command, HostFs, HostPath, HostView } from '../host.ts';
import type { PersistMechanism, ResolvedSpec } from '../resolved-spec.ts';
import { parseIni } from '../sysfs/managers/ini.ts';
import { managedPf } from '../sysfs/managers/other-manager.ts';
import { linkMatches } from '../sysfs/managers/systemd-link.ts';
import { readFolders, systemFolders } from '../sysfs/managers/texts.ts';
import { readPf } from '../sysfs/pci-device.ts';
import { madeBySriovctl } from './boot-script.ts';
import { linkPath } from './exports/networkd-link.ts';
import {
  bootUnit,
  bootUnitPath,
  networkManagerRulesPath,
  pfUnitPath,
  scriptPath,
  systemdRunning,
  tagRulesPath,
} from './places.ts';
import { rcLocalPath, rcLocalProblem } from './rc-local.ts';

interface Obstacle {
  readonly problem: string;
  readonly hint: string;
}

/** What stands in the way of a mechanism on this host; looked at before anything is installed. */
export const obstacles = async (
  mechanism: PersistMechanism,
  spec: ResolvedSpec,
  host: HostView,
): Promise<CheckResult> => {
  const pfs = spec.pfs.filter(({ vfs }) => vfs > 0).map(({ address }) => address);
  if (pfs.length === 0) return { status: 'pass' };
  const found = [
    ...(await ofMechanism(mechanism, pfs, host)),
    ...(await ofPlaces(ownPlaces(mechanism, pfs), host.fs)),
  ];
  if (found.length === 0) return { status: 'pass' };
  return {
    status: 'fail',
    problem: found.map(({ problem }) => problem).join('; '),
    hint: [...new Set(found.map(({ hint }) => hint))].join(' '),
  };
};

const ofMechanism = async (
  mechanism: PersistMechanism,
  pfs: readonly string[],
  host: HostView,
): Promise<readonly Obstacle[]> => {
  const { fs } = host;
  switch (mechanism) {
    case 'boot-unit':
      return (await fs.stat(systemdRunning)) === undefined ? [noSystemd] : [];
    case 'rc-local':
      return rcLocalObstacles(fs);
    case 'networkd-link':
      return [...(await oldSystemd(host)), ...(await shadowed(pfs, fs))];
    case 'networkmanager':
    case 'netplan':
    case 'ignition':
    case 'talos':
    case 'none':
      return [];
  }
};

const noSystemd: Obstacle = {
  problem: 'this host does not run systemd, so no unit can make the VFs again after a boot',
  hint: 'Use --persist rc-local where something runs /etc/rc.local, or --no-persist.',
};

const generatorFolders: readonly HostPath[] = [
  '/usr/lib/systemd/system-generators',
  '/lib/systemd/system-generators',
];

const rcLocalObstacles = async (fs: HostFs): Promise<readonly Obstacle[]> => {
  const path = await rcLocalPath(fs);
  const text = await fs.readText(path);
  const problem = text === undefined ? undefined : rcLocalProblem(text);
  const found: Obstacle[] = [];
  if (problem !== undefined) {
    const hint = 'Make it a shell script first, or use the boot unit (--persist boot-unit).';
    found.push({ problem: `${path} ${problem}`, hint });
  }
  for (const folder of generatorFolders) {
    const names = await fs.list(folder);
    if (names === undefined || names.includes('systemd-rc-local-generator')) continue;
    const hint = 'Use the boot unit (--persist boot-unit).';
    found.push({ problem: 'this systemd runs no rc.local any more', hint });
    break;
  }
  return found;
};

const versionCommand: Command = { argv: ['systemctl', '--version'] };

/** SR-IOVVirtualFunctions= came with systemd 251. */
const oldSystemd = async (host: HostView): Promise<readonly Obstacle[]> => {
  const answer = await host.query(versionCommand);
  const version = answer.ran ? /^systemd (\d+)/.exec(answer.stdout)?.[1] : undefined;
  if (version === undefined || Number(version) >= 251) return [];
  const hint = 'Use the boot unit (--persist boot-unit).';
  return [{ problem: `a .link file can make VFs from systemd 251 on, this is ${version}`, hint }];
};

/** The first .link file that matches is the only one that counts. */
const shadowed = async (pfs: readonly string[], fs: HostFs): Promise<readonly Obstacle[]> => {
  const files = await readFolders(fs, systemFolders('systemd/network'), '.link');
  const found: Obstacle[] = [];
  for (const address of pfs) {
    const pf = await readPf(fs, address);
    const ours = posix.basename(linkPath(address));
    const first =
      pf &&
      files.find(
        (file) => posix.basename(file.path) < ours && linkMatches(parseIni(file), managedPf(pf)),
      );
    if (first === undefined) continue;
    const hint = 'Use the boot unit (--persist boot-unit), which no other file can make void.';
    found.push({ problem: `${first.path} comes before ${ours} and matches ${address} too`, hint });
  }
  return found;
};

/** Where a mechanism has its files. */
const ownPlaces = (mechanism: PersistMechanism, pfs: readonly string[]): readonly HostPath[] => {
  switch (mechanism) {
    case 'boot-unit':
      return [scriptPath, bootUnitPath, pfUnitPath, tagRulesPath, networkManagerRulesPath];
    case 'rc-local':
      return [scriptPath, networkManagerRulesPath];
    case 'networkd-link':
      return [...pfs.map(linkPath), networkManagerRulesPath];
    case 'networkmanager':
    case 'netplan':
    case 'ignition':
    case 'talos':
    case 'none':
      return [];
  }
};

/** Our names, where somebody else has put something: a masked unit, a file of their own. */
const ofPlaces = async (paths: readonly HostPath[], fs: HostFs): Promise<readonly Obstacle[]> => {
  const found: Obstacle[] = [];
  for (const path of paths) {
    const stat = await fs.stat(path);
    if (stat === undefined) continue;
    if (stat.kind === 'link' && (await fs.readLink(path)) === '/dev/null') {
      const hint = `If it may run, \`systemctl unmask ${bootUnit}\`; else use --no-persist.`;
      found.push({ problem: `${path} is masked`, hint });
    } else if (
      stat.kind !== 'file' ||
      (await fs.readText(path))?.includes(madeBySriovctl) !== true
    ) {
      const hint = 'Move it away: sriovctl needs this name for itself.';
      found.push({ problem: `${path} exists and is not sriovctl's`, hint });
    }
  }
  return found;
};
