/** The word a misspelled one was most likely meant to be; `undefined` where none is near enough. */
export const didYouMean = (word: string, known: readonly string[]): string | undefined => {
  const plain = normal(word);
  const near = known
    .map((candidate) => ({ candidate, distance: editDistance(plain, normal(candidate)) }))
    .filter(
      ({ candidate, distance }) => distance <= tolerance(Math.max(word.length, candidate.length)),
    )
    .sort((a, b) => a.distance - b.distance);
  return near[0]?.candidate;
};

/** Case, `-` and `_` are what people mix up without a slip of the finger. */
const normal = (word: string): string => word.toLowerCase().replace(/[-_ ]/g, '');

/** A third of a word may be wrong, and one letter of a short one. */
const tolerance = (length: number): number => Math.max(1, Math.floor(length / 3));

/** Insertions, deletions, replacements and swapped neighbours (optimal string alignment). */
const editDistance = (a: string, b: string): number => {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const cell = (row: number, column: number): number => rows[row]?.[column] ?? Infinity;
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    rows.push(current);
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current.push(
        Math.min(
          cell(row - 1, column) + 1,
          cell(row, column - 1) + 1,
          cell(row - 1, column - 1) + (same ? 0 : 1),
          swapped ? cell(row - 2, column - 2) + 1 : Infinity,
        ),
      );
    }
  }
  return cell(a.length, b.length);
};
