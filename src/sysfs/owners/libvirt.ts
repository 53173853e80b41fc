import type { HostFs, HostPath } from '../../host.ts';
import { formatPciAddress } from '../pci-address.ts';
import type { FindUses } from './vf-use.ts';

/** Running guests first: a guest that is defined and runs stands in both. */
const guestFolders: readonly { readonly path: HostPath; readonly running: boolean }[] = [
  { path: '/run/libvirt/qemu', running: true },
  { path: '/run/libvirt/lxc', running: true },
  { path: '/etc/libvirt/qemu', running: false },
  { path: '/etc/libvirt/lxc', running: false },
];

/** Guests of libvirt that a VF is assigned to, by the XML of running and of defined ones. */
export const libvirtGuests: FindUses = async ({ fs }, vfs) => {
  const found = [];
  const running = new Set<string>();
  for (const folder of guestFolders) {
    for (const { name, devices } of await readGuests(fs, folder.path)) {
      if (folder.running) running.add(name);
      else if (running.has(name)) continue;
      const by = `libvirt guest ${name}${folder.running ? '' : ', which is not running'}`;
      for (const vf of vfs) if (devices.has(vf.address)) found.push({ vf, by });
    }
  }
  return found;
};

interface Guest {
  readonly name: string;
  readonly devices: ReadonlySet<string>;
}

const readGuests = async (fs: HostFs, folder: HostPath): Promise<readonly Guest[]> => {
  const guests: Guest[] = [];
  for (const file of (await fs.list(folder)) ?? []) {
    if (!file.endsWith('.xml')) continue;
    const xml = (await fs.readText(`${folder}/${file}`)) ?? '';
    const devices = hostDevices(xml);
    const name = /<name>([^<]+)<\/name>/.exec(xml)?.[1];
    if (devices.size > 0) guests.push({ name: name ?? file.replace(/\.xml$/, ''), devices });
  }
  return guests;
};

/**
 * Host devices by the `<address>` in their `<source>`; the one outside of it is the guest's own.
 * `<hostdev>` and `<interface type='hostdev'>` have it alike (libvirt, formatdomain).
 */
const hostDevices = (xml: string): ReadonlySet<string> => {
  const devices = new Set<string>();
  for (const [source] of xml.matchAll(/<source\b[^>]*>[\s\S]*?<\/source>/g)) {
    const attributes = /<address\s+([^>]*bus=[^>]*)>/.exec(source)?.[1];
    if (attributes === undefined) continue;
    const number = (name: string): number => {
      const [, text = '0'] =
        new RegExp(`\\b${name}=['"](?:0x)?([0-9a-fA-F]+)['"]`).exec(attributes) ?? [];
      return Number.parseInt(text, 16);
    };
    const place = { domain: number('domain'), bus: number('bus'), device: number('slot') };
    devices.add(formatPciAddress({ ...place, fn: number('function') }));
  }
  return devices;
};
