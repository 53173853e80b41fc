import type { HostFs, HostPath } from '../host.ts';

/** Where distributions keep pci.ids (pciutils, hwdata). */
const places: readonly HostPath[] = ['/usr/share/misc/pci.ids', '/usr/share/hwdata/pci.ids'];

/** Names by id, as pci.ids has them: four hex digits each, six for a class. */
export interface PciDatabase {
  vendor(vendor: string): string | undefined;
  device(vendor: string, device: string): string | undefined;
  subsystem(ids: {
    readonly vendor: string;
    readonly device: string;
    readonly subVendor: string;
    readonly subDevice: string;
  }): string | undefined;
  /** That of the subclass; the programming interface is left out of account. */
  class(id: string): string | undefined;
}

/** The host's own database; one that knows nothing where there is none. */
export const readPciIds = async (fs: HostFs): Promise<PciDatabase> => {
  for (const place of places) {
    const text = await fs.readText(place);
    if (text !== undefined) return databaseIn(text);
  }
  return databaseIn('');
};

/** An entry's name, and the lines below it that are indented deeper. */
interface Entry {
  readonly name: string;
  readonly below: string;
}

/** The file is large and few ids are asked for, so entries are cut out of the text on demand. */
const databaseIn = (text: string): PciDatabase => {
  const known = new Map<string, Entry | undefined>();
  const find = (...ids: readonly string[]): Entry | undefined => {
    const key = ids.join('/');
    if (!known.has(key)) {
      const above = ids.length === 1 ? text : find(...ids.slice(0, -1))?.below;
      known.set(key, entryIn(above ?? '', ids.length - 1, ids.at(-1) ?? ''));
    }
    return known.get(key);
  };
  return {
    vendor: (vendor) => find(vendor)?.name,
    device: (vendor, device) => find(vendor, device)?.name,
    subsystem: ({ vendor, device, subVendor, subDevice }) =>
      find(vendor, device, `${subVendor} ${subDevice}`)?.name,
    class: (id) => find(`C ${id.slice(0, 2)}`, id.slice(2, 4))?.name,
  };
};

/** Lines are indented by a tab a level; comments and empty lines may stand between them. */
const entryIn = (text: string, level: number, id: string): Entry | undefined => {
  const indent = '\t'.repeat(level);
  const head = `${indent}${id}  `;
  const before = text.startsWith(head) ? 0 : text.indexOf(`\n${head}`) + 1;
  if (before === 0 && !text.startsWith(head)) return undefined;
  const lines = text.slice(before + head.length);
  const [name = ''] = lines.split('\n', 1);
  const below = lines.slice(name.length + 1);
  const end = below.search(new RegExp(`^(?!${indent}\t|#|$)`, 'm'));
  return { name, below: end === -1 ? below : below.slice(0, end) };
};
