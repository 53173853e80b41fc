import type { Command } from '../host.ts';

/** Every PCI function with ids and drivers, one record a function (lspci(8), `-vmm`). */
export const lspciCommand: Command = { argv: ['lspci', '-Dvmmnnk'] };

/** A record of `lspci -Dvmmnnk`; names end in their id, for example `Ethernet controller [0200]`. */
export interface LspciRecord {
  readonly slot: string;
  readonly device?: string;
  readonly driver?: string;
}

export const parseLspci = (text: string): readonly LspciRecord[] =>
  text.split(/\n\s*\n/).flatMap((block) => {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      const colon = line.indexOf(':\t');
      if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 2).trim());
    }
    const slot = fields.get('Slot');
    if (slot === undefined) return [];
    const device = fields.get('Device');
    const driver = fields.get('Driver');
    return [
      { slot, ...(device !== undefined && { device }), ...(driver !== undefined && { driver }) },
    ];
  });
