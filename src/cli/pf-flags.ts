import { type Command, InvalidArgumentError, Option } from 'commander';
import type { EswitchSettings } from '../host.ts';
import type { NodeSpecInput } from '../spec/node-spec.ts';
import { encapModes, inlineModes, modes } from '../sysfs/devlink.ts';
import { settingWords } from '../sysfs/vf-settings.ts';

type PfInput = NodeSpecInput['pfs'][number];
type SettingsInput = NonNullable<PfInput['settings']>[number];

/** PFs in the order they were given, each with what was said after it. */
export type PfFlags = readonly (Omit<PfInput, 'pf' | 'vfs' | 'match'> & {
  readonly pf: string;
  readonly vfs?: number;
})[];

/** Adds the flags that name PFs and say what is wanted of each; they belong to the --pf before them. */
export const addPfOptions = (command: Command): Command => {
  // All of them fill one list, since commander keeps no order between options.
  const given: PfFlags[number][] = [];
  const add = (pf: PfFlags[number]): PfFlags => {
    given.push(pf);
    return given;
  };
  const extend = (more: (pf: PfFlags[number]) => Partial<PfFlags[number]>): PfFlags => {
    const last = given.pop();
    if (last === undefined) throw new InvalidArgumentError('It belongs after a --pf.');
    return add({ ...last, ...more(last) });
  };
  return command
    .optionsGroup('PFs and their VFs:')
    .option(
      '--pf <pf>',
      'a PF by netdev name, PCI address, altname or permanent MAC; NAME=N also says its VFs (repeatable)',
      (text: string) => {
        const [, pf = text, count] = /^(.*)=([^=]*)$/.exec(text) ?? [];
        return add({ pf, ...(count !== undefined && { vfs: vfCount(count) }) });
      },
    )
    .option('--vfs <n>', 'number of Virtual Functions of the --pf before it', (text) =>
      extend(() => ({ vfs: vfCount(text) })),
    )
    .option(
      '--vf-driver <driver>',
      'driver of its VFs: vfio-pci, kernel (the usual one) or another by name',
      (driver) => extend(() => ({ driver })),
    )
    .option(
      '--vf <range:settings>',
      `settings of some VFs, such as 0-3,5:vlan=100,trust=on (repeatable; ${words.join(', ')})`,
      (text) => extend(({ settings = [] }) => ({ settings: [...settings, settingsOf(text)] })),
    )
    .addOption(
      new Option('--mac-policy <policy>', 'stable: MACs that are the same after each creation')
        .choices(['stable'])
        .argParser((text) => {
          if (text !== 'stable') throw new InvalidArgumentError('The policy is stable.');
          return extend(() => ({ macPolicy: text }));
        }),
    )
    .option('--mtu <bytes>', 'MTU of the --pf before it', (text) =>
      extend(() => ({ mtu: wholeNumber(text) })),
    )
    .option(
      '--eswitch <mode>',
      'legacy or switchdev; with ,inline-mode=MODE and ,encap-mode=MODE after it',
      (text) => extend(() => ({ eswitch: eswitchOf(text) })),
    );
};

const words = Object.entries(settingWords).flatMap(([key, word]) => (key === 'qinq' ? [] : [word]));

/** Digits only: `-1`, `4x`, `1e1` and a blank are words that are wrong whatever the host. */
const vfCount = (text: string): number => {
  if (!/^\d{1,5}$/.test(text)) {
    throw new InvalidArgumentError('It is a whole number from 0 to 65535.');
  }
  return Number(text);
};

const wholeNumber = (text: string): number => {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('It is a whole number.');
  return Number(text);
};

/** `0-3,5:vlan=100,trust=on`; the schema judges the values. */
const settingsOf = (text: string): SettingsInput => {
  const colon = text.indexOf(':');
  if (colon < 1) throw new InvalidArgumentError('It is written RANGE:SETTING=VALUE,….');
  const settings: Record<string, unknown> = { vfs: text.slice(0, colon) };
  for (const [word, value] of pairs(text.slice(colon + 1))) {
    const key = keyOf(word);
    if (key in settings) throw new InvalidArgumentError(`It says ${word} twice.`);
    settings[key] = typed(key, word, value);
  }
  return settings as SettingsInput;
};

const pairs = (text: string): readonly (readonly [word: string, value: string])[] =>
  text.split(',').map((pair) => {
    const [, word, value] = /^([^=]+)=(.*)$/.exec(pair) ?? [];
    if (word !== undefined && value !== undefined) return [word, value];
    throw new InvalidArgumentError(`${JSON.stringify(pair)} is no SETTING=VALUE.`);
  });

const keyOf = (word: string): string => {
  const [key] = Object.entries(settingWords).find(([, name]) => name === word) ?? [];
  if (key !== undefined && key !== 'qinq') return key;
  throw new InvalidArgumentError(`There is no setting ${word}. Settings: ${words.join(', ')}.`);
};

const switches: readonly string[] = ['trust', 'spoofCheck'];
const texts: readonly string[] = ['mac', 'proto', 'linkState', 'driver', 'nodeGuid', 'portGuid'];

const typed = (key: string, word: string, value: string): unknown => {
  if (texts.includes(key)) return value;
  if (!switches.includes(key)) {
    if (/^\d{1,10}$/.test(value)) return Number(value);
    throw new InvalidArgumentError(`${word} is a whole number, not ${JSON.stringify(value)}.`);
  }
  if (value === 'on' || value === 'off') return value === 'on';
  throw new InvalidArgumentError(`${word} is on or off, not ${JSON.stringify(value)}.`);
};

const eswitchOf = (text: string): NonNullable<PfInput['eswitch']> => {
  const parts = pairs(`mode=${text}`).map(([word, value]) => {
    const { key, choices } = eswitchWords[word] ?? {};
    if (key === undefined || choices === undefined) {
      throw new InvalidArgumentError(`There is no ${word}: it is inline-mode or encap-mode.`);
    }
    if (choices.includes(value)) return [key, value] as const;
    throw new InvalidArgumentError(`${word} is one of ${choices.join(', ')}.`);
  });
  return Object.fromEntries(parts);
};

const eswitchWords: Readonly<
  Record<string, { readonly key: keyof EswitchSettings; readonly choices: readonly string[] }>
> = {
  mode: { key: 'mode', choices: modes },
  'inline-mode': { key: 'inlineMode', choices: inlineModes },
  'encap-mode': { key: 'encapMode', choices: encapModes },
};
