import type { Action, Command, EswitchSettings, HostView } from '../host.ts';
import { jsonAnswer } from './json-answer.ts';

type EswitchAction = Extract<Action, { kind: 'eswitch' }>;

/** Representors of a hundred VFs have been seen to take minutes, in milliseconds. */
const eswitchMs = 300_000;

/** The switch of a PCI function (devlink-dev(8)); sysfs shows nothing of it. */
export const eswitchQuery = (address: string): Command => ({
  argv: ['devlink', '-j', 'dev', 'eswitch', 'show', `pci/${address}`],
});

/** One request: the kernel sets mode, inline mode and encap mode in this order (net/devlink/dev.c). */
export const eswitchCommand = ({ address, settings }: EswitchAction): Command => {
  const { mode, inlineMode, encapMode } = settings;
  const word = (name: string, value: string | undefined): readonly string[] =>
    value === undefined ? [] : [name, value];
  return {
    argv: [
      ...(['devlink', 'dev', 'eswitch', 'set', `pci/${address}`] as const),
      ...word('mode', mode),
      ...word('inline-mode', inlineMode),
      ...word('encap-mode', encapMode),
    ],
    timeoutMs: eswitchMs,
  };
};

/** `undefined` for a card that has no such switch, or whose driver is not bound. */
export const readEswitch = async (
  host: HostView,
  address: string,
): Promise<EswitchSettings | undefined> => {
  const query = eswitchQuery(address);
  const answer = await host.query(query);
  if (!answer.ran || answer.exitCode !== 0) return undefined;
  const { eswitchAnswerSchema } = await import('./devlink-schema.ts');
  const parsed = eswitchAnswerSchema.safeParse(jsonAnswer(query, answer.stdout));
  const found = parsed.success ? parsed.data.dev[`pci/${address}`] : undefined;
  if (found === undefined) return undefined;
  const { mode, 'inline-mode': inlineMode, 'encap-mode': encapMode } = found;
  return {
    ...(isOneOf(modes, mode) && { mode }),
    ...(isOneOf(inlineModes, inlineMode) && { inlineMode }),
    ...(isOneOf(encapModes, encapMode) && { encapMode }),
  };
};

export const modes = ['legacy', 'switchdev'] as const;
export const inlineModes = ['none', 'link', 'network', 'transport'] as const;
export const encapModes = ['none', 'basic'] as const;

/** The part of what is wanted that is not so yet; an empty object if nothing is. */
export const eswitchDiffering = (
  wanted: EswitchSettings,
  actual: EswitchSettings = {},
): EswitchSettings =>
  Object.fromEntries(
    Object.entries(wanted).filter(([key, value]) => actual[key as keyof EswitchSettings] !== value),
  );

export const eswitchDiffers = (
  wanted: EswitchSettings,
  actual: EswitchSettings | undefined,
): boolean => Object.keys(eswitchDiffering(wanted, actual)).length > 0;

/** What takes a change of the switch back: the same settings as they were before. */
export const eswitchAsBefore = (
  { address, settings }: EswitchAction,
  before: EswitchSettings,
): readonly EswitchAction[] => {
  const known = Object.entries(before).filter(([key]) => key in settings);
  return known.length === 0
    ? []
    : [{ kind: 'eswitch', address, settings: Object.fromEntries(known) }];
};

const isOneOf = <T extends string>(all: readonly T[], text: string | undefined): text is T =>
  (all as readonly (string | undefined)[]).includes(text);
