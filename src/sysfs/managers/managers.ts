import type { HostFs, HostPath } from '../../host.ts';
import type { PhysicalFunction } from '../pci-device.ts';
import { driverctlOverrides } from './driverctl.ts';
import { modprobeOptions } from './modprobe.ts';
import { netplan } from './netplan.ts';
import { networkManager } from './network-manager.ts';
import { operatorPresent } from './operator.ts';
import { osNetConfig } from './os-net-config.ts';
import { type FindManagers, managedPf, type OtherManager } from './other-manager.ts';
import { systemdLinks } from './systemd-link.ts';
import { textsThatWrite } from './texts-that-write.ts';

const ways: readonly FindManagers[] = [
  netplan,
  networkManager,
  systemdLinks,
  textsThatWrite,
  modprobeOptions,
  osNetConfig,
  driverctlOverrides,
  operatorPresent,
];

/** Everybody else who makes VFs of the PFs or sets them up, by file and line; PFs without one are left out. */
export const otherManagersOf = async (
  host: HostFs,
  pfs: readonly PhysicalFunction[],
): Promise<ReadonlyMap<PhysicalFunction, readonly OtherManager[]>> => {
  const fs = remembering(host);
  const all = new Map<PhysicalFunction, readonly OtherManager[]>();
  for (const pf of pfs) {
    const managed = managedPf(pf);
    const found: OtherManager[] = [];
    for (const way of ways) found.push(...(await way(fs, managed)));
    if (found.length > 0) all.set(pf, found);
  }
  return all;
};

/** `netplan sets 4 VFs at each boot (/etc/netplan/50-net.yaml:7)`. */
export const describeManager = ({ name, file, line, effect }: OtherManager): string =>
  `${name} ${effect} (${file}:${line})`;

/** The same files are looked at for every PF; they are read once. */
const remembering = (fs: HostFs): HostFs => {
  const once = <T>(read: (path: HostPath) => Promise<T>): ((path: HostPath) => Promise<T>) => {
    const known = new Map<HostPath, Promise<T>>();
    return (path) => {
      const answer = known.get(path) ?? read(path);
      known.set(path, answer);
      return answer;
    };
  };
  return {
    readText: once((path) => fs.readText(path)),
    readLink: (path) => fs.readLink(path),
    list: once((path) => fs.list(path)),
    stat: (path) => fs.stat(path),
  };
};
