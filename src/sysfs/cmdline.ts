import type { HostFs, HostPath } from '../host.ts';

const runningCmdline: HostPath = '/proc/cmdline';

/** One word of a kernel command line and where it stands in the text. */
export interface KernelWord {
  readonly text: string;
  /** With `_` for every `-`: parameq() in kernel/params.c takes them as equal. */
  readonly key: string;
  /** Without its quotes; `undefined` for a bare word. */
  readonly value: string | undefined;
  readonly start: number;
  readonly end: number;
}

/** The words that the running kernel was given. */
export const readRunningCmdline = async (fs: HostFs): Promise<readonly KernelWord[]> =>
  parseCmdline((await fs.readText(runningCmdline)) ?? '');

/**
 * The words that the kernel takes for itself, by the rules of next_arg() in lib/cmdline.c: spaces
 * outside double quotes separate, and all behind `--` is for init.
 */
export const parseCmdline = (text: string): readonly KernelWord[] => {
  const words = splitWords(text);
  const end = words.findIndex((word) => word.text === '--');
  return end === -1 ? words : words.slice(0, end);
};

/** What may be given as an argument: nothing that a shell, GRUB or the kernel would take apart. */
export const isKernelArgument = (text: string): boolean =>
  /^[A-Za-z0-9_][A-Za-z0-9_.-]*(=[A-Za-z0-9_.,:=@+/%-]*)?$/.test(text);

/**
 * Whether the words already say what the argument says: `intel_iommu=on,sm_on` says
 * `intel_iommu=on`, and `pci=realloc=off` does not say `pci=realloc`. A later word of the same key
 * that says the opposite takes it back.
 */
export const satisfies = (words: readonly KernelWord[], argument: string): boolean => {
  const wanted = oneWord(argument);
  const parts = partsOf(wanted);
  if (parts.length === 0) return words.some(({ key, value }) => key === wanted.key && !value);
  return parts.every((part) => lastSaid(words, wanted.key, part)?.said === 'same');
};

/** The words that stand against an argument and are not taken back by a later one. */
export const contradictions = <Word extends KernelWord>(
  words: readonly Word[],
  argument: string,
): readonly Word[] => {
  const wanted = oneWord(argument);
  const opposed = partsOf(wanted).flatMap((part) => {
    const last = lastSaid(words, wanted.key, part);
    return last?.said === 'opposite' ? [last.word] : [];
  });
  const others = partsOf(wanted).some((part) => part === 'on' || part === 'pt')
    ? iommuDisabled(words, wanted.key === 'iommu' ? undefined : wanted.key)
    : [];
  return [...new Set([...opposed, ...others])];
};

/**
 * The words that keep an IOMMU off. `iommu=off` does so for every vendor and nothing takes it back
 * (Documentation/admin-guide/kernel-parameters.txt).
 *
 * @param key The vendor's own parameter, `intel_iommu` or `amd_iommu`; both if it is not known.
 */
export const iommuDisabled = <Word extends KernelWord>(
  words: readonly Word[],
  key?: string,
): readonly Word[] => {
  const keys = key?.endsWith('_iommu') === true ? [key] : ['intel_iommu', 'amd_iommu'];
  if (key !== undefined && !key.endsWith('_iommu')) return [];
  const own = keys.flatMap((name) => {
    const last = lastSaid(words, name, 'on');
    return last?.said === 'opposite' ? [last.word] : [];
  });
  return [...words.filter((word) => word.key === 'iommu' && partsOf(word).includes('off')), ...own];
};

/** Words with which no PF can make VFs: no PCI at all, no SR-IOV, or no MSI-X, which PF drivers need. */
export const vfsPrevented = <Word extends KernelWord>(words: readonly Word[]): readonly Word[] =>
  words.filter(
    (word) =>
      word.key === 'pci' &&
      partsOf(word).some((part) => part === 'off' || part === 'nosriov' || part === 'nomsi'),
  );

/** The text with the arguments at the end of the kernel's part; nothing else is changed. */
export const addArguments = (text: string, added: readonly string[]): string => {
  if (added.length === 0) return text;
  const insert = added.join(' ');
  const all = splitWords(text);
  const init = all.find((word) => word.text === '--');
  if (init !== undefined) return splice(text, init.start, init.start, `${insert} `);
  const last = all.at(-1);
  return last === undefined
    ? splice(text, 0, 0, insert)
    : splice(text, last.end, last.end, ` ${insert}`);
};

/** The text without the last word of each spelling given; undoes `addArguments` to the byte. */
export const removeArguments = (text: string, removed: readonly string[]): string =>
  removed.reduceRight((rest, argument) => {
    const word = parseCmdline(rest).findLast((candidate) => candidate.text === argument);
    if (word === undefined) return rest;
    if (word.start > 0 && isSpace(rest[word.start - 1])) {
      return splice(rest, word.start - 1, word.end, '');
    }
    const followed = /^[ \t]\S/.test(rest.slice(word.end));
    return splice(rest, word.start, followed ? word.end + 1 : word.end, '');
  }, text);

const splitWords = (text: string): readonly KernelWord[] => {
  const words: KernelWord[] = [];
  let at = 0;
  while (at < text.length) {
    if (isSpace(text[at])) {
      at += 1;
      continue;
    }
    const start = at;
    for (let quoted = false; at < text.length; at += 1) {
      if (isSpace(text[at]) && !quoted) break;
      if (text[at] === '"') quoted = !quoted;
    }
    words.push(wordAt(text, start, at));
  }
  return words;
};

const wordAt = (text: string, start: number, end: number): KernelWord => {
  const whole = text.slice(start, end);
  const quoted = whole.startsWith('"');
  const body = quoted ? whole.slice(1) : whole;
  // A leading `=` is part of the name: next_arg() takes position 0 as "none yet".
  const equals = body.indexOf('=', 1);
  const name = equals === -1 ? body : body.slice(0, equals);
  const value = equals === -1 ? undefined : unquoted(body.slice(equals + 1), quoted);
  return {
    text: whole,
    key: (equals === -1 && quoted ? name.replace(/"$/, '') : name).replaceAll('-', '_'),
    value,
    start,
    end,
  };
};

const unquoted = (value: string, wholeQuoted: boolean): string => {
  const opened = value.startsWith('"');
  const inner = opened ? value.slice(1) : value;
  return opened || wholeQuoted ? inner.replace(/"$/, '') : inner;
};

const oneWord = (argument: string): KernelWord => wordAt(argument, 0, argument.length);

const partsOf = ({ value }: Pick<KernelWord, 'value'>): readonly string[] =>
  value === undefined ? [] : value.split(',').filter((part) => part !== '');

/** The last word of a key that says a part or its opposite. */
const lastSaid = <Word extends KernelWord>(
  words: readonly Word[],
  key: string,
  part: string,
): { readonly word: Word; readonly said: 'same' | 'opposite' } | undefined => {
  const same = spellings(part);
  const opposite = opposites(part);
  for (const word of words.toReversed()) {
    if (word.key !== key) continue;
    const last = partsOf(word).findLast((said) => same.includes(said) || opposite.includes(said));
    if (last !== undefined) return { word, said: same.includes(last) ? 'same' : 'opposite' };
  }
  return undefined;
};

/** `pci=realloc` and `pci=realloc=on` are one (pci_realloc_get_opt(), drivers/pci/setup-bus.c). */
const spellings = (part: string): readonly string[] =>
  part === 'realloc' || part === 'realloc=on' ? ['realloc', 'realloc=on'] : [part];

const opposites = (part: string): readonly string[] => {
  if (part === 'on' || part === 'off') return [part === 'on' ? 'off' : 'on'];
  if (part.endsWith('=on')) return [part.replace(/on$/, 'off')];
  if (part.endsWith('=off')) return [part.replace(/off$/, 'on'), part.replace(/=off$/, '')];
  return part.startsWith('no') ? [part.slice(2)] : [`no${part}`, `${part}=off`];
};

const isSpace = (char: string | undefined): boolean => char !== undefined && /[ \t-\r]/.test(char);

const splice = (text: string, start: number, end: number, insert: string): string =>
  text.slice(0, start) + insert + text.slice(end);
