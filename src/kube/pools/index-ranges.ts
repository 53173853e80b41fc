/**
 * VF indexes in the device plugin's spelling, `0-3,6`: sorted, merged, without blanks. It stops at
 * the first token it cannot read, without an error (pkg/resources/deviceSelectors.go).
 */
export const formatIndexes = (indexes: Iterable<number>): string => {
  const sorted = [...new Set(indexes)].sort((a, b) => a - b);
  const ranges: { first: number; last: number }[] = [];
  for (const index of sorted) {
    const range = ranges.at(-1);
    if (range !== undefined && range.last + 1 === index) range.last = index;
    else ranges.push({ first: index, last: index });
  }
  return ranges
    .map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`))
    .join(',');
};

/** How many indexes a spelling like `0-3,6` names. */
export const countIndexes = (spec: string): number =>
  spec.split(',').reduce((sum, token) => {
    const [first = Number.NaN, last = first] = token.split('-').map(Number);
    return sum + last - first + 1;
  }, 0);

/** Whether the plugin finds an index in `base#spec`; tokens are read left to right, as it does. */
export const includesIndex = (spec: string, index: number): boolean => {
  for (const token of spec.split(',')) {
    const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(token) ?? [];
    if (first === undefined) return false;
    if (index >= Number(first) && index <= Number(last ?? first)) return true;
  }
  return false;
};
