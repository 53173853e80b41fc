import type { ManagedPf } from './other-manager.ts';

/** fnmatch(3) as configuration uses it: `*`, `?` and `[…]`. */
export const globMatches = (pattern: string, text: string): boolean => {
  const source = pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  try {
    return new RegExp(`^${source.replaceAll('[!', '[^')}$`).test(text);
  } catch {
    return pattern === text;
  }
};

/**
 * Whether one of several patterns matches; a `!` before the list turns it round (systemd.link(5)).
 * What is not known about the PF may match.
 */
export const listMatches = (patterns: readonly string[], text: string | undefined): boolean => {
  if (text === undefined || patterns.length === 0) return true;
  const inverted = patterns[0]?.startsWith('!') === true;
  const plain = patterns.map((pattern, index) =>
    index === 0 ? pattern.replace(/^!/, '') : pattern,
  );
  return plain.some((pattern) => globMatches(pattern, text)) !== inverted;
};

/** ID_PATH of a PCI function, as udev's path_id has it. */
export const udevPath = ({ address }: ManagedPf): string => `pci-${address}`;

const addressForm = /[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]/gi;
const macForm = /\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/gi;
/** A netdev in a path, or in a udev rule that matches by its name. */
const nameForms = [
  /class\/net\/([\w.*?[\]-]+)\//g,
  /\b(?:KERNEL|NAME|ENV\{INTERFACE\}|ENV\{ID_NET_NAME\w*\})=="([^"]+)"/g,
];
const driverForm = /\b(?:DRIVERS?|ENV\{ID_NET_DRIVER\})=="([^"]+)"/g;

/**
 * Whether free text (a rule, a script) can mean the PF: what names a function, a netdev or a driver
 * has to name this one, and what names none (`/sys/class/net/$pf/…`) may.
 */
export const textCanMean = (text: string, pf: ManagedPf): boolean => {
  const plain = text.replaceAll('\\', '');
  const named = (forms: readonly RegExp[]): readonly string[] =>
    forms.flatMap((form) => [...plain.matchAll(form)].map((match) => match[1] ?? match[0]));
  const addresses = named([addressForm]).map((address) => address.toLowerCase());
  if (addresses.length > 0) return addresses.includes(pf.address);
  const macs = named([macForm]).map((mac) => mac.toLowerCase());
  if (macs.length > 0 && pf.mac !== undefined) return macs.includes(pf.mac);
  // udev's alternatives are separated by a bar.
  const names = named(nameForms).flatMap((name) => name.split('|'));
  if (names.length > 0) return listMatches(names, pf.netdev);
  const drivers = named([driverForm]).flatMap((name) => name.split('|'));
  return drivers.length === 0 || listMatches(drivers, pf.driver);
};
