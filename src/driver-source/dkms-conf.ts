/** What DKMS calls a source, and the modules it builds of it. */
export interface DkmsConf {
  readonly name: string;
  readonly version: string;
  readonly modules: readonly string[];
}

/**
 * Reads a dkms.conf without running it. DKMS sources it as shell text; one whose name or version only
 * a shell could work out is `undefined`.
 */
export const parseDkmsConf = (text: string): DkmsConf | undefined => {
  const values = new Map<string, string>();
  const modules: string[] = [];
  for (const [, key = '', quoted, plain] of text.matchAll(assignment)) {
    const value = expanded(quoted ?? plain ?? '', values);
    values.set(key, value);
    if (key.startsWith('BUILT_MODULE_NAME') && /^[\w-]+$/.test(value)) modules.push(value);
  }
  const name = values.get('PACKAGE_NAME');
  const version = values.get('PACKAGE_VERSION');
  if (!isSafe(name) || !isSafe(version)) return undefined;
  return { name, version, modules: modules.length === 0 ? [name] : modules };
};

const assignment = /^[ \t]*(\w+(?:\[\d+\])?)=(?:["']([^"'\n]*)["']|([^\s#"']*))/gm;

/** Both become parts of paths. */
const isSafe = (word: string | undefined): word is string =>
  word !== undefined && /^[\w+.-]+$/.test(word) && !word.startsWith('.') && !word.startsWith('-');

const expanded = (value: string, values: ReadonlyMap<string, string>): string =>
  value.replace(/\$\{?(\w+)\}?/g, (reference, name: string) => values.get(name) ?? reference);
