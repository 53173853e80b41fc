/** A spec file with a mistake; `«` stands before the place that the error must name. */
export interface Malformed {
  readonly cause: string;
  readonly text: string;
  /** Words that the error must have. */
  readonly says: string;
  /** A mistake of the file as a whole, which is not the same one deeper in a file. */
  readonly whole?: boolean;
}

const pf = 'pfs:\n  - pf: enp1s0f0\n    vfs: 4\n';

const inPf = (cause: string, line: string, says: string): Malformed => ({
  cause,
  text: `pfs:\n  - pf: enp1s0f0\n    ${line}\n`,
  says,
});
const afterPf = (cause: string, text: string, says: string): Malformed => ({
  cause,
  text: `${pf}${text}\n`,
  says,
});
const whole = (cause: string, text: string, says: string): Malformed => ({
  cause,
  text,
  says,
  whole: true,
});

export const malformed: readonly Malformed[] = [
  inPf('a word for a number', 'vfs: «four', 'a whole number from 0 to 65535'),
  inPf('a number in quotes', 'vfs: «"4"', 'a whole number'),
  inPf('a fraction', 'vfs: «1.5', 'a whole number'),
  inPf('a negative number', 'vfs: «-1', 'from 0 to 65535'),
  inPf('a number too large', 'vfs: «65536', 'from 0 to 65535'),
  inPf('a number beyond counting', 'vfs: «99999999999999999999', 'from 0 to 65535'),
  inPf('not a number', 'vfs: «.nan', 'a whole number'),
  inPf('infinity', 'vfs: «.inf', 'a whole number'),
  inPf('nothing for a number', 'vfs: «~', 'a whole number'),
  inPf('a truth value for a number', 'vfs: «true', 'a whole number'),
  inPf('a list for a number', 'vfs: «[4]', 'a whole number'),
  inPf('a mapping for a number', 'vfs: «{count: 4}', 'a whole number'),
  inPf('a misspelled key', 'vfs: 4\n    «vsf: 4', 'Did you mean vfs?'),
  inPf('a key in capitals', 'vfs: 4\n    «VFs: 4', 'Did you mean vfs?'),
  inPf('an unknown key', 'vfs: 4\n    «colour: red', 'Keys here are pf, match, vfs'),
  inPf('a key that is a number', 'vfs: 4\n    «1: 4', '"1" is no key'),
  inPf('a key twice', 'vfs: 4\n    «vfs: 5', 'must be unique'),
  { cause: 'no number of VFs', text: 'pfs:\n  - «pf: enp1s0f0\n', says: 'lacks vfs' },
  { cause: 'neither pf nor match', text: 'pfs:\n  - «vfs: 4\n', says: 'by match' },
  {
    cause: 'both pf and match',
    text: 'pfs:\n  - «pf: enp1s0f0\n    match: {driver: igb}\n    vfs: 4\n',
    says: 'by both',
  },
  { cause: 'a path for a PF', text: 'pfs:\n  - pf: «../../etc\n    vfs: 4\n', says: '../../etc' },
  { cause: 'blanks in a PF', text: 'pfs:\n  - pf: «a b\n    vfs: 4\n', says: 'netdev name' },
  { cause: 'an empty PF', text: 'pfs:\n  - pf: «""\n    vfs: 4\n', says: 'netdev name' },
  { cause: 'a number for a PF', text: 'pfs:\n  - pf: «1\n    vfs: 4\n', says: 'in quotes' },
  { cause: 'nothing for a PF', text: 'pfs:\n  - «\n', says: 'a mapping with the keys' },
  {
    cause: 'a word for a PF entry',
    text: 'pfs:\n  - «enp1s0f0\n',
    says: 'a mapping with the keys',
  },
  { cause: 'a mapping for the list', text: 'pfs:\n  «enp1s0f0: 4\n', says: 'a list' },
  { cause: 'a word for the list', text: 'pfs: «enp1s0f0\n', says: 'a list' },
  { cause: 'nothing for the list', text: 'pfs: «~\n', says: 'a list' },
  { cause: 'no PFs at all', text: '«iommu: on\n', says: 'lacks pfs' },
  { cause: 'an empty match', text: 'pfs:\n  - match: «{}\n    vfs: 4\n', says: 'neither vendor' },
  {
    cause: 'a number for a vendor',
    text: 'pfs:\n  - match: {vendor: «8086}\n    vfs: 4\n',
    says: 'in quotes',
  },
  {
    cause: 'a vendor name',
    text: 'pfs:\n  - match: {vendor: «Intel}\n    vfs: 4\n',
    says: 'four hex digits',
  },
  {
    cause: 'an unknown key of a match',
    text: 'pfs:\n  - match: {«devic: "1521"}\n    vfs: 4\n',
    says: 'Did you mean device?',
  },
  afterPf('a misspelled mode', 'iommu: «onn', 'Did you mean on?'),
  afterPf('a truth value for a mode', 'iommu: «true', 'one of auto, on, off'),
  afterPf('a misspelled mechanism', 'persist: «boot-uint', 'Did you mean boot-unit?'),
  afterPf('a source that lies nowhere', 'driverSource: «igb', 'is no absolute path'),
  afterPf('an unknown mechanism', 'persist: «cron', 'one of boot-unit'),
  afterPf('a misspelled section', '«kubernetes: {}', 'is no key'),
  afterPf('a word for a section', 'kube: «off', 'a mapping with the keys'),
  afterPf('a misspelled choice in a section', 'kube:\n  mode: «of', 'Did you mean off?'),
  afterPf('a misspelled key in a section', 'kube:\n  «namespce: net', 'Did you mean namespace?'),
  afterPf('a number for text', 'kube:\n  namespace: «12', 'in quotes'),
  afterPf('a list for text', 'kube:\n  context: «[a]', 'It is text'),
  afterPf('a prototype for a key', '«__proto__: {}', 'is no key'),
  afterPf('a constructor for a key', '«constructor: {}', 'is no key'),
  afterPf('an alias without an anchor', 'iommu: «*mode', 'anchor'),
  afterPf('an unknown tag', 'iommu: «!mode on', 'Leave the tag out'),
  afterPf('a section indented by a tab', 'kube:\n«\tmode: off', 'Indent with blanks'),
  afterPf('a quote that does not end', 'kube:\n  context: «"a', 'closing quote'),
  afterPf('a reserved character', 'iommu: «@on', 'in quotes'),
  afterPf('a line without a colon', '«iommu\n', 'no YAML'),
  whole('an empty file', '«', 'sriovctl init'),
  whole('comments alone', '«# to be written\n', 'the file is empty'),
  whole('a list', '«- pf: enp1s0f0\n  vfs: 4\n', 'a mapping with the keys'),
  whole('a word', '«enp1s0f0\n', 'a mapping with the keys'),
  whole('two documents', `${pf}«---\n${pf}`, 'more than one document'),
  whole('no text at all', `${pf}«\0\n`, 'UTF-8'),
  whole('a misspelled list of nodes', `${pf}«nodse: []\n`, 'Did you mean nodes?'),
  whole('no nodes', 'nodes: «[]\n', 'a list of at least 1'),
  whole('a node without a spec', 'nodes:\n  - «match: {hostname: a}\n', 'lacks spec'),
  whole('nothing to match a node by', 'nodes:\n  - match: «{}\n    spec: {pfs: []}\n', 'hostname'),
  whole(
    'a misspelled match',
    'nodes:\n  - match: {hostname: a, «lables: {}}\n    spec: {pfs: []}\n',
    'labels',
  ),
  whole(
    'a label that is no text',
    'nodes:\n  - match: {labels: {a: «1}}\n    spec: {pfs: []}\n',
    'in quotes',
  ),
  whole('a spec beside nodes', 'nodes:\n  - spec: {pfs: []}\n«pfs: []\n', 'is no key'),
];

/** The same mistake in other surroundings: further down, in a file of Windows, in a list of nodes. */
export const variants = (one: Malformed): readonly Malformed[] => {
  const below = { ...one, text: `# one\n#\n\n${one.text}` };
  const windows = { ...one, text: one.text.replaceAll('\n', '\r\n') };
  const both = { ...one, text: below.text.replaceAll('\n', '\r\n') };
  const indented = one.text.replace(/^(?=.)/gm, '      ').replace(/^ {6}«\t/m, '«\t');
  const inNodes = {
    ...one,
    text: `nodes:\n  - match:\n      hostname: other\n    spec: {pfs: []}\n  - spec:\n${indented}`,
  };
  return one.whole === true ? [one, windows] : [one, below, windows, both, inNodes];
};
