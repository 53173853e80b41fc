import type { NamedPf } from '../sysfs/inventory.ts';
import { pfsText } from './pf-text.ts';

/** A PF with all that is known of it, for `show`. */
export const showText = (pf: NamedPf, details: Readonly<Record<string, string>>): string => {
  const width = Math.max(0, ...Object.keys(details).map((key) => key.length));
  const lines = Object.entries(details).map(([key, value]) => `  ${key.padEnd(width)}  ${value}`);
  return `${pfsText([pf])}\n${lines.join('\n')}\n`;
};
