/** The word for all VFs of a PF. */
const all = 'all';

/**
 * Reads a range of VF indexes such as `0-3,5`, or `all` of `count` VFs.
 *
 * @returns the indexes in order and each once, or what is wrong in a few words.
 */
export const parseVfRange = (text: string, count: number): readonly number[] | string => {
  if (text === all) return Array.from({ length: count }, (_, index) => index);
  const indexes = new Set<number>();
  for (const part of text.split(',')) {
    const [, from, to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
    if (from === undefined || to === undefined) return `is no range of VFs such as 0-3,5 or ${all}`;
    const [first, last] = [Number(from), Number(to)];
    if (first > last) return `counts down from ${first} to ${last}`;
    if (last >= count) return `names VF ${last}, but there are ${count} VFs, counted from 0`;
    for (let index = first; index <= last; index += 1) indexes.add(index);
  }
  return [...indexes].sort((a, b) => a - b);
};

/** The shortest spelling of some indexes: `0-3,5`. */
export const formatVfRange = (indexes: readonly number[]): string => {
  const runs: { first: number; last: number }[] = [];
  for (const index of [...new Set(indexes)].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run?.last === index - 1) run.last = index;
    else runs.push({ first: index, last: index });
  }
  return runs
    .map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`))
    .join(',');
};
