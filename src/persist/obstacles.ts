import type { CheckResult } from '../check.ts';
import type { HostFs, HostPath, HostView } from '../host.ts';
import type { PersistMechanism, ResolvedSpec } from '../resolved-spec.ts';
import { madeBySriovctl } from './boot-script.ts';
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
  { fs }: HostView,
): Promise<CheckResult> => {
  if (!spec.pfs.some(({ vfs }) => vfs > 0)) return { status: 'pass' };
  const found = [...(await ofMechanism(mechanism, fs)), ...(await ofPlaces(mechanism, fs))];
  if (found.length === 0) return { status: 'pass' };
  return {
    status: 'fail',
    problem: found.map(({ problem }) => problem).join('; '),
    hint: [...new Set(found.map(({ hint }) => hint))].join(' '),
  };
};

const ofMechanism = async (
  mechanism: PersistMechanism,
  fs: HostFs,
): Promise<readonly Obstacle[]> => {
  switch (mechanism) {
    case 'boot-unit':
      return (await fs.stat(systemdRunning)) === undefined ? [noSystemd] : [];
    case 'rc-local':
      return rcLocalObstacles(fs);
    case 'networkd-link':
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

/** Our names, where somebody else has put something: a masked unit, a file of their own. */
const ofPlaces = async (mechanism: PersistMechanism, fs: HostFs): Promise<readonly Obstacle[]> => {
  const paths: readonly HostPath[] = {
    'boot-unit': [scriptPath, bootUnitPath, pfUnitPath, tagRulesPath, networkManagerRulesPath],
    'rc-local': [scriptPath, networkManagerRulesPath],
    'networkd-link': [],
    networkmanager: [],
    netplan: [],
    ignition: [],
    talos: [],
    none: [],
  }[mechanism];
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
