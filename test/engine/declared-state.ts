import type { HostFs, HostPath } from '../../src/host.ts';
import { pciAttribute } from '../../src/sysfs/paths.ts';
import { listPfs } from '../../src/sysfs/pci-device.ts';
import { readAttribute } from '../../src/sysfs/read.ts';

/** The files that a run may change on the hosts of these tests. */
const files: readonly HostPath[] = ['/etc/default/grub', '/etc/sriovctl.test', '/etc/new/file'];

/**
 * What a rollback must bring back: counts, driver links, overrides, autoprobe, files with mode and
 * owner. Random MACs, ifindexes and group numbers do not come back and are left out.
 */
export const declaredState = async (fs: HostFs): Promise<unknown> => {
  const pfs = [];
  for (const { address, driver, sriov, vfs } of await listPfs(fs)) {
    const overrides = [];
    for (const vf of vfs) {
      overrides.push(await readAttribute(fs, pciAttribute(vf.address, 'driver_override')));
    }
    pfs.push({
      address,
      driver,
      autoprobe: sriov.autoprobe,
      numvfs: await readAttribute(fs, pciAttribute(address, 'sriov_numvfs')),
      vfs: vfs.map((vf) => [vf.address, vf.driver]),
      overrides,
    });
  }
  const contents = [];
  for (const path of files) {
    contents.push({ path, text: await fs.readText(path), stat: await fs.stat(path) });
  }
  return { pfs, contents, folder: await fs.stat('/etc/new') };
};
