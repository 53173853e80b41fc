/** Text in columns that line up, two blanks apart; the last column is left as it is. */
export const table = (
  header: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] => {
  const widths = header.map((_, column) =>
    Math.max(...[header, ...rows].map((row) => row[column]?.length ?? 0)),
  );
  return [header, ...rows].map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
};
