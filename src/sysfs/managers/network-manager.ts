import type { HostFs } from '../../host.ts';
import { vfCount } from '../vf-count.ts';
import { type Entry, parseIni, type Section, sectionsOf, valuesOf } from './ini.ts';
import { listMatches, udevPath } from './match.ts';
import type { FindManagers, ManagedPf, OtherManager } from './other-manager.ts';
import { readFolders, readTextFile, systemFolders, type TextFile } from './texts.ts';

const name = 'NetworkManager';

/** Profiles with a `sriov` setting, and a number of VFs for devices in its configuration. */
export const networkManager: FindManagers = async (fs, pf) => [
  ...(
    await readFolders(fs, systemFolders('NetworkManager/system-connections'), '.nmconnection')
  ).flatMap((file) => profile(file, pf)),
  ...(await readFolders(fs, ['/etc/sysconfig/network-scripts'])).flatMap((file) => ifcfg(file, pf)),
  ...(await configuration(fs)).flatMap((file) => deviceSections(file, pf)),
];

/** With the setting NetworkManager enforces the number, also when it is zero (nm-settings(5)). */
const profile = (file: TextFile, pf: ManagedPf): readonly OtherManager[] => {
  const sections = parseIni(file);
  const [sriov] = sectionsOf(sections, 'sriov');
  if (sriov === undefined || !profileMatches(sections, pf)) return [];
  const total = sriov.entries.find(({ key }) => key === 'total-vfs');
  const count = total?.value ?? '0';
  return [
    {
      name,
      file: file.path,
      line: total?.line ?? sriov.line,
      effect: `sets ${vfCount(count)} when this profile goes up, and 0 when it goes down`,
    },
  ];
};

const profileMatches = (sections: readonly Section[], pf: ManagedPf): boolean => {
  const list = (section: string, key: string): readonly string[] =>
    valuesOf(sections, section, key)
      .flatMap((value) => value.split(';'))
      .filter(Boolean);
  const macs = [...list('ethernet', 'mac-address'), ...list('802-3-ethernet', 'mac-address')];
  return (
    listMatches(list('connection', 'interface-name'), pf.netdev) &&
    listMatches(list('match', 'interface-name'), pf.netdev) &&
    listMatches(list('match', 'driver'), pf.driver) &&
    listMatches(list('match', 'path'), udevPath(pf)) &&
    listMatches(
      macs.map((mac) => mac.toLowerCase()),
      pf.mac,
    )
  );
};

/** The format of RHEL 8 and older: shell variables. */
const ifcfg = (file: TextFile, pf: ManagedPf): readonly OtherManager[] => {
  const variables = new Map<string, Entry>();
  for (const [index, text] of file.lines.entries()) {
    const [, key, value] = /^\s*(\w+)=["']?([^"']*)["']?\s*$/.exec(text) ?? [];
    if (key !== undefined) variables.set(key, { key, value: value ?? '', line: index + 1 });
  }
  const total = variables.get('SRIOV_TOTAL_VFS');
  const device = variables.get('DEVICE')?.value;
  const mac = variables.get('HWADDR')?.value.toLowerCase();
  if (total === undefined) return [];
  if (!listMatches(device === undefined ? [] : [device], pf.netdev)) return [];
  if (!listMatches(mac === undefined ? [] : [mac], pf.mac)) return [];
  const effect = `sets ${vfCount(total.value)} when this profile goes up, and 0 when it goes down`;
  return [{ name, file: file.path, line: total.line, effect }];
};

const configuration = async (fs: HostFs): Promise<readonly TextFile[]> => {
  const main = await readTextFile(fs, '/etc/NetworkManager/NetworkManager.conf');
  return [
    ...(main === undefined ? [] : [main]),
    ...(await readFolders(fs, systemFolders('NetworkManager/conf.d'), '.conf')),
  ];
};

/** `[device-x]` with `match-device` and `sriov-num-vfs` (NetworkManager.conf(5)). */
const deviceSections = (file: TextFile, pf: ManagedPf): readonly OtherManager[] =>
  parseIni(file)
    .filter((section) => /^device(?:$|[-.])/.test(section.name))
    .flatMap(({ entries }) => {
      const count = entries.find(({ key }) => key === 'sriov-num-vfs');
      const match = entries.find(({ key }) => key === 'match-device')?.value ?? '*';
      if (count === undefined || !deviceMatches(match, pf)) return [];
      const effect = `sets ${vfCount(count.value)} when it takes up the device`;
      return [{ name, file: file.path, line: count.line, effect }];
    });

const deviceMatches = (list: string, pf: ManagedPf): boolean =>
  list
    .split(/[;,]/)
    .map((spec) => spec.trim())
    .filter((spec) => spec !== '' && !spec.startsWith('except:'))
    .some((spec) => {
      const [, kind, value = ''] = /^([a-z-]+):=?~?(.*)$/.exec(spec) ?? [];
      if (kind === 'interface-name') return listMatches([value], pf.netdev);
      if (kind === 'mac') return listMatches([value.toLowerCase()], pf.mac);
      if (kind === 'driver') return listMatches([value], pf.driver);
      if (kind !== undefined) return true;
      return spec === '*' || listMatches([spec], pf.netdev);
    });
