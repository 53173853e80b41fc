/** A text within another: quoted like this none of its lines is broken. */
export const indented = (text: string): string =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
