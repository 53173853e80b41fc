import type { HostFs, HostPath } from '../host.ts';
import { orUnknown, readAttribute } from '../sysfs/read.ts';

/** The kernel's word first; a captured tree may have the file only. */
const places: readonly HostPath[] = ['/proc/sys/kernel/hostname', '/etc/hostname'];

/** The host's name as kubelet registers it: in lower case. */
export const hostnameOf = async (fs: HostFs): Promise<string | undefined> => {
  for (const path of places) {
    const name = (await orUnknown(readAttribute(fs, path)))?.trim().toLowerCase();
    if (name !== undefined && name !== '') return name;
  }
  return undefined;
};
