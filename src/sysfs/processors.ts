import type { HostFs, HostPath } from '../host.ts';
import { readAttribute } from './read.ts';

const online: HostPath = '/sys/devices/system/cpu/online';

/** How many processors the kernel uses (`0-3,6`); 1 where that is not said. */
export const countProcessors = async (fs: HostFs): Promise<number> => {
  const ranges = (await readAttribute(fs, online))?.split(',') ?? [];
  const counts = ranges.map((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return first === undefined || last === undefined ? 0 : last - first + 1;
  });
  return Math.max(1, counts.reduce((sum, count) => sum + count, 0) || 0);
};
