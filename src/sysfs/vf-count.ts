/** A number of VFs in words, also one as a file has it: `1 VF`, `4 VFs`. */
export const vfCount = (count: number | string): string =>
  `${count} ${String(count) === '1' ? 'VF' : 'VFs'}`;
