import type { HostFs, HostPath } from '../host.ts';

/** Where a host keeps the programs that root runs. */
const folders: readonly HostPath[] = [
  '/usr/bin',
  '/bin',
  '/usr/sbin',
  '/sbin',
  '/usr/local/bin',
  '/usr/local/sbin',
];

/** The first program whose whole name fits; `undefined` if none is installed. */
export const findProgram = async (fs: HostFs, name: RegExp): Promise<HostPath | undefined> => {
  for (const folder of folders) {
    const found = ((await fs.list(folder)) ?? []).filter((entry) => name.test(entry)).sort()[0];
    if (found !== undefined) return `${folder}/${found}`;
  }
  return undefined;
};
