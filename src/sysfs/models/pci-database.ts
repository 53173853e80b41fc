import type { HostFs, HostPath } from '../../host.ts';

/** Names by id (four hex digits; six for a class), as pci.ids has them. */
export interface PciDatabase {
  vendor(vendor: string): string | undefined;
  device(vendor: string, device: string): string | undefined;
  subsystem(ids: {
    readonly vendor: string;
    readonly device: string;
    readonly subVendor: string;
    readonly subDevice: string;
  }): string | undefined;
  class(id: string): string | undefined;
}

const places: readonly HostPath[] = ['/usr/share/misc/pci.ids', '/usr/share/hwdata/pci.ids'];

/** The host's own database; one that knows nothing where there is none. */
export const readPciDatabase = async (fs: HostFs): Promise<PciDatabase> => {
  let text = '';
  for (const place of places) text ||= (await fs.readText(place)) ?? '';
  const names = parse(text);
  return {
    vendor: (vendor) => names.get(vendor),
    device: (vendor, device) => names.get(`${vendor} ${device}`),
    subsystem: ({ vendor, device, subVendor, subDevice }) =>
      names.get(`${vendor} ${device} ${subVendor} ${subDevice}`),
    class: (id) => names.get(`C ${id.slice(0, 2)} ${id.slice(2, 4)}`),
  };
};

/** Lines are indented by a tab a level; classes stand behind a `C`. */
const parse = (text: string): ReadonlyMap<string, string> => {
  const names = new Map<string, string>();
  const key: string[] = [];
  for (const line of text.split('\n')) {
    const [, tabs, id, name] = /^(\t*)((?:C )?[0-9a-f ]+?) {2}(.+)$/.exec(line) ?? [];
    if (tabs === undefined || id === undefined || name === undefined) continue;
    key.length = tabs.length;
    key.push(id);
    names.set(key.join(' '), name);
  }
  return names;
};
