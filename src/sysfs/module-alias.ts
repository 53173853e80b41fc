/**
 * The modules that modules.alias (depmod(8)) names for a PCI modalias, in the file's order. The file
 * has some ten thousand lines, so lines are found by the start of their pattern, which spells vendor
 * and device or leaves them open, and only those are matched as globs.
 */
export const modulesForModalias = (aliases: string, modalias: string): readonly string[] => {
  const [, vendor, device] = /^pci:v([0-9A-F]{8})d([0-9A-F]{8})/.exec(modalias) ?? [];
  if (vendor === undefined || device === undefined) return [];
  const starts = [`pci:v${vendor}d${device}`, `pci:v${vendor}d*`, 'pci:v*'];
  const found = starts.flatMap((start) => linesThatStart(aliases, `alias ${start}`));
  const modules = found
    .sort((a, b) => a.at - b.at)
    .flatMap(({ line }) => {
      const [, pattern, module] = line.split(' ');
      return pattern !== undefined && module !== undefined && globMatches(pattern, modalias)
        ? [module]
        : [];
    });
  return [...new Set(modules)];
};

interface Line {
  readonly at: number;
  readonly line: string;
}

const linesThatStart = (text: string, start: string): readonly Line[] => {
  const lines: Line[] = [];
  for (let at = text.indexOf(start); at !== -1; at = text.indexOf(start, at + 1)) {
    if (at > 0 && text[at - 1] !== '\n') continue;
    const end = text.indexOf('\n', at);
    lines.push({ at, line: text.slice(at, end === -1 ? undefined : end) });
  }
  return lines;
};

const globMatches = (pattern: string, text: string): boolean =>
  new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(text);
