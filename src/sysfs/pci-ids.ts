import type { HostFs, HostPath } from '../host.ts';

/** Where distributions keep pci.ids (pciutils, hwdata). */
const places: readonly HostPath[] = ['/usr/share/misc/pci.ids', '/usr/share/hwdata/pci.ids'];

export interface PciNames {
  readonly vendor?: string;
  readonly device?: string;
}

/** Looks up names by vendor and device id, four hex digits each. */
export type PciNameLookup = (vendor: string, device: string) => PciNames;

/** The host's own database of names; a lookup that knows none where the host has no pci.ids. */
export const readPciIds = async (fs: HostFs): Promise<PciNameLookup> => {
  for (const place of places) {
    const text = await fs.readText(place);
    if (text !== undefined) return lookupIn(text);
  }
  return () => ({});
};

/** The file is large and few ids are asked for, so vendors are cut out of the text on demand. */
const lookupIn = (text: string): PciNameLookup => {
  const sections = new Map<string, string>();
  return (vendor, device) => {
    const section = sections.get(vendor) ?? vendorSection(text, vendor);
    sections.set(vendor, section);
    const vendorName = /^[0-9a-f]{4} {2}(.+)/.exec(section)?.[1];
    const deviceName = new RegExp(`\n\t${device} {2}(.+)`).exec(section)?.[1];
    return {
      ...(vendorName !== undefined && { vendor: vendorName }),
      ...(deviceName !== undefined && { device: deviceName }),
    };
  };
};

/** From the vendor's line to the next line that starts with neither a tab nor a comment. */
const vendorSection = (text: string, vendor: string): string => {
  const start = text.startsWith(`${vendor}  `) ? 0 : text.indexOf(`\n${vendor}  `) + 1;
  if (start === 0 && !text.startsWith(`${vendor}  `)) return '';
  const rest = text.slice(start);
  const end = rest.search(/\n[^\t#\n]/);
  return end === -1 ? rest : rest.slice(0, end);
};
