import { vfCount } from '../vf-count.ts';
import { parseIni, type Section, sectionsOf, valuesOf } from './ini.ts';
import { listMatches, udevPath } from './match.ts';
import type { FindManagers, ManagedPf, OtherManager } from './other-manager.ts';
import { readFolders, systemFolders, type TextFile } from './texts.ts';

/** Link files that make VFs (systemd.link(5), 251 and newer), and network files that set them up. */
export const systemdLinks: FindManagers = async (fs, pf) =>
  (await readFolders(fs, systemFolders('systemd/network'), '.link', '.network')).flatMap((file) =>
    managed(file, pf),
  );

const managed = (file: TextFile, pf: ManagedPf): readonly OtherManager[] => {
  const sections = parseIni(file);
  if (!linkMatches(sections, pf)) return [];
  const name = file.path.endsWith('.link') ? 'systemd-udevd' : 'systemd-networkd';
  const counts = sectionsOf(sections, 'Link')
    .flatMap(({ entries }) => entries)
    .filter(({ key }) => key === 'SR-IOVVirtualFunctions');
  const settings = sectionsOf(sections, 'SR-IOV').slice(0, 1);
  return [
    ...counts.map(({ value, line }) => {
      const effect = `sets ${vfCount(value)} whenever the netdev appears or moves`;
      return { name, file: file.path, line, effect };
    }),
    ...settings.map(({ line }) => ({ name, file: file.path, line, effect: 'sets up its VFs' })),
  ];
};

/** Every key of [Match] has to match; those of which the tree says nothing may. */
export const linkMatches = (sections: readonly Section[], pf: ManagedPf): boolean => {
  const list = (key: string): readonly string[] =>
    valuesOf(sections, 'Match', key)
      .flatMap((value) => value.split(/\s+/))
      .filter(Boolean);
  const macs = [...list('MACAddress'), ...list('PermanentMACAddress')];
  return (
    sectionsOf(sections, 'Match').length > 0 &&
    // OriginalName is the kernel's name (eth0), which is gone by now; a fixed name may still be it.
    listMatches(
      list('OriginalName').filter((each) => !/^eth/.test(each)),
      pf.netdev,
    ) &&
    listMatches(list('Name'), pf.netdev) &&
    listMatches(list('Driver'), pf.driver) &&
    listMatches(list('Path'), udevPath(pf)) &&
    listMatches(
      macs.map((mac) => mac.toLowerCase().replaceAll('-', ':')),
      pf.mac,
    )
  );
};
