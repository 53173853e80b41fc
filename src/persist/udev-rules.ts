import type { HostFs, HostPath } from '../host.ts';
import { madeBySriovctl } from './boot-script.ts';
import { pfUnit } from './places.ts';
import { deviceAlias } from './units.ts';

/**
 * Tells systemd of a PF that has a driver, by PCI address: its name may still change. Nothing is
 * written from here; a rule runs again at each trigger, and a writing one would take VFs away. Each
 * other number of VFs is a change of the PF (sriov_numvfs_store): that tells of nothing new, or VFs
 * that somebody takes away right after a setup would come back.
 */
export const tagRules = (addresses: readonly string[]): string =>
  lines([
    madeBySriovctl,
    'ACTION=="remove|unbind", GOTO="sriovctl_end"',
    'SUBSYSTEM!="pci", GOTO="sriovctl_end"',
    'DRIVER!="?*", GOTO="sriovctl_end"',
    'ACTION!="add|bind", IMPORT{db}="SRIOVCTL_PF"',
    'ACTION!="add|bind", ENV{SRIOVCTL_PF}!="1", GOTO="sriovctl_end"',
    ...addresses.map((address) =>
      [
        `KERNEL=="${address}"`,
        'ENV{SRIOVCTL_PF}="1"',
        'TAG+="systemd"',
        `ENV{SYSTEMD_ALIAS}+="${deviceAlias(address)}"`,
        `ENV{SYSTEMD_WANTS}+="${pfUnit(address)}"`,
      ].join(', '),
    ),
    'LABEL="sriovctl_end"',
  ]);

/** NetworkManager would bring up each VF and ask for an address on it. */
export const networkManagerRules = (addresses: readonly string[]): string =>
  lines([
    madeBySriovctl,
    'ACTION=="remove", GOTO="sriovctl_networkmanager_end"',
    'SUBSYSTEM!="net", GOTO="sriovctl_networkmanager_end"',
    ...addresses.map((address) =>
      [`ATTR{device/physfn/uevent}=="*PCI_SLOT_NAME=${address}*"`, 'ENV{NM_UNMANAGED}="1"'].join(
        ', ',
      ),
    ),
    'LABEL="sriovctl_networkmanager_end"',
  ]);

const networkManagerPlaces: readonly HostPath[] = [
  '/usr/sbin/NetworkManager',
  '/usr/bin/NetworkManager',
  '/usr/lib/systemd/system/NetworkManager.service',
  '/lib/systemd/system/NetworkManager.service',
];

export const hasNetworkManager = async (fs: HostFs): Promise<boolean> => {
  for (const place of networkManagerPlaces) {
    if ((await fs.stat(place)) !== undefined) return true;
  }
  return false;
};

const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('');
