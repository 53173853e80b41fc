import { stringify } from 'yaml';

/** YAML without anchors and line breaks of its own; loaded only when somebody asks for it. */
export const yamlText = (value: unknown): string => stringify(value, { lineWidth: 0 });
