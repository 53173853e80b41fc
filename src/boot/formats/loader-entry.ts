import type { HostFs, HostPath } from '../../host.ts';
import { parseCmdline } from '../../sysfs/cmdline.ts';
import type { BootEntry, PlacedWord } from '../layers.ts';

/** An entry by the Boot Loader Specification (type #1): a text file for each kernel. */
export interface LoaderEntry {
  readonly path: HostPath;
  readonly text: string;
  readonly fields: ReadonlyMap<string, string>;
  /** An entry may have several; they are one command line. */
  readonly options: readonly { readonly line: number; readonly value: string }[];
}

/** The entries of a folder that boot Linux, ordered by name. */
export const readLoaderEntries = async (
  fs: HostFs,
  folder: HostPath,
): Promise<readonly LoaderEntry[]> => {
  const entries: LoaderEntry[] = [];
  for (const name of [...((await fs.list(folder)) ?? [])].sort()) {
    if (!name.endsWith('.conf')) continue;
    const path: HostPath = `${folder}/${name}`;
    const text = await fs.readText(path);
    const entry = text === undefined ? undefined : parseLoaderEntry(path, text);
    if (entry?.fields.has('linux') === true) entries.push(entry);
  }
  return entries;
};

/** With the variables of grubenv, which RHEL 8 has in its entries (`options $kernelopts`). */
export const loaderBootEntry = (
  { path, fields, options }: LoaderEntry,
  variables: ReadonlyMap<string, PlacedVariable> = new Map(),
): BootEntry => ({
  name: fields.get('title') ?? path,
  words: options.flatMap(({ line, value }) =>
    parseCmdline(value).flatMap((word): readonly PlacedWord[] => {
      const variable = /^\$\{?(\w+)\}?$/.exec(word.text)?.[1];
      const found = variable === undefined ? undefined : variables.get(variable);
      if (found === undefined) return [{ ...word, path, line }];
      const { value: text, path: file, line: at } = found;
      return parseCmdline(text).map((inner) => ({ ...inner, path: file, line: at }));
    }),
  ),
});

export interface PlacedVariable {
  readonly value: string;
  readonly path: HostPath;
  readonly line: number;
}

/** The entry's text with its first `options` line changed. */
export const withOptions = (
  { text, options }: LoaderEntry,
  change: (options: string) => string,
): string => {
  const lines = text.split('\n');
  const [first] = options;
  if (first === undefined) return `${text.replace(/\n?$/, '\n')}options ${change('')}\n`;
  lines[first.line - 1] =
    `${/^\s*options\s+|^\s*options/.exec(lines[first.line - 1] ?? '')?.[0] ?? 'options '}${change(first.value)}`;
  return lines.join('\n');
};

const parseLoaderEntry = (path: HostPath, text: string): LoaderEntry => {
  const fields = new Map<string, string>();
  const options: { line: number; value: string }[] = [];
  text.split('\n').forEach((content, index) => {
    const [, key, value = ''] = /^\s*([^\s#]\S*)(?:\s+(.*?))?\s*$/.exec(content) ?? [];
    if (key === 'options') options.push({ line: index + 1, value });
    else if (key !== undefined) fields.set(key, value);
  });
  return { path, text, fields, options };
};
