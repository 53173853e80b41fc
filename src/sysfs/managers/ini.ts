import type { TextFile } from './texts.ts';

/** A section of a file such as systemd's and NetworkManager's, with the lines of its keys. */
export interface Section {
  readonly name: string;
  readonly line: number;
  readonly entries: readonly Entry[];
}

export interface Entry {
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

/** Reads `[section]`, `key=value`, and comments that start with `#` or `;`. */
export const parseIni = ({ lines }: TextFile): readonly Section[] => {
  const sections: { name: string; line: number; entries: Entry[] }[] = [];
  for (const [index, text] of lines.entries()) {
    const line = index + 1;
    const name = /^\s*\[([^\]]+)\]\s*$/.exec(text)?.[1];
    if (name !== undefined) {
      sections.push({ name, line, entries: [] });
      continue;
    }
    const [, key, value] = /^\s*([^#;=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(text) ?? [];
    if (key !== undefined && value !== undefined)
      sections.at(-1)?.entries.push({ key, value, line });
  }
  return sections;
};

export const sectionsOf = (sections: readonly Section[], name: string): readonly Section[] =>
  sections.filter((section) => section.name === name);

/** All values of a key in sections of a name. */
export const valuesOf = (
  sections: readonly Section[],
  section: string,
  key: string,
): readonly string[] =>
  sectionsOf(sections, section).flatMap(({ entries }) =>
    entries.flatMap((entry) => (entry.key === key ? [entry.value] : [])),
  );
