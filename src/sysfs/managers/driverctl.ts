import type { HostPath } from '../../host.ts';
import type { FindManagers, OtherManager } from './other-manager.ts';
import { readFolders } from './texts.ts';

/** driverctl(8) keeps a driver for a device in a file `pci-<address>`. */
const folder: HostPath = '/etc/driverctl.d';

/** Drivers that driverctl gives to the PF or its VFs each time they appear. */
export const driverctlOverrides: FindManagers = async (fs, pf) => {
  const found: OtherManager[] = [];
  for (const { path, lines } of await readFolders(fs, [folder])) {
    const address = /\/pci-([^/]+)$/.exec(path)?.[1] ?? '';
    const index = pf.vfAddresses.get(address);
    if (index === undefined && address !== pf.address) continue;
    const what = index === undefined ? 'the PF' : `VF ${index} (${address})`;
    const effect = `binds ${what} to ${lines[0] ?? ''} whenever it appears`;
    found.push({ name: 'driverctl', file: path, line: 1, effect });
  }
  return found;
};
