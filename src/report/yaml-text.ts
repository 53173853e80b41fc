import { parse, stringify } from 'yaml';

/** YAML without anchors and line breaks of its own; loaded only when somebody asks for it. */
export const yamlText = (value: unknown): string => stringify(value, { lineWidth: 0 });

/** What YAML of ours says, without its comments. */
export const yamlValue = (text: string): unknown => parse(text) as unknown;
