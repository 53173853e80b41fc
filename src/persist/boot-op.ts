import { posix } from 'node:path';
import { SriovctlError } from '../errors.ts';
import type { Action, EswitchSettings, HostFs, HostPath, VfAttributes } from '../host.ts';
import { linkCommand } from '../sysfs/commands.ts';
import { describeAction } from '../sysfs/describe-action.ts';
import { netdev as netdevFolder } from '../sysfs/paths.ts';
import { listVfIndexes } from '../sysfs/pci-device.ts';
import { readLinkName } from '../sysfs/read.ts';

/** The PF itself, or one of its VFs by index: what stays the same when names and addresses change. */
export type Place = 'pf' | number;

/** A word of a command line; what may be called otherwise at the next boot is looked up then. */
export type Word = string | { readonly netdevOf: Place } | { readonly indexOf: number };

/** One thing to do at boot, told by place instead of by path. */
export type BootOp =
  | { readonly kind: 'module'; readonly module: string }
  | { readonly kind: 'make-vfs'; readonly count: number }
  | {
      readonly kind: 'attribute';
      readonly place: Place;
      readonly name: string;
      readonly value: string;
    }
  | {
      readonly kind: 'netdev-attribute';
      readonly place: Place;
      readonly name: string;
      readonly value: string;
    }
  /** An attribute that belongs to no function, such as a module's parameter. */
  | { readonly kind: 'host-attribute'; readonly path: HostPath; readonly value: string }
  | { readonly kind: 'link'; readonly place: Place; readonly up: boolean }
  /** What the PF's driver keeps for its VFs. */
  | {
      readonly kind: 'vf-settings';
      readonly vfs: readonly ({ readonly index: number } & VfAttributes)[];
    }
  | { readonly kind: 'eswitch'; readonly address: string; readonly settings: EswitchSettings }
  /** `driver` is what the function has afterwards. */
  | { readonly kind: 'probe'; readonly place: Place; readonly driver: string }
  | { readonly kind: 'bind'; readonly place: Place; readonly driver: string }
  | { readonly kind: 'unbind'; readonly place: Place }
  | { readonly kind: 'command'; readonly words: readonly Word[] };

/** Finds out which function of a PF a path, an address or a netdev name belongs to. */
export interface Locator {
  placeOf(address: string): Promise<Place | undefined>;
  placeOfNetdev(name: string): Promise<Place | undefined>;
}

export const locatorFor = (fs: HostFs, pf: string): Locator => {
  let known: ReadonlyMap<string, Place> = new Map();
  const placeOf = async (address: string): Promise<Place | undefined> => {
    if (!known.has(address)) known = await placesOf(fs, pf);
    return known.get(address);
  };
  return {
    placeOf,
    placeOfNetdev: async (name) => {
      const address = await readLinkName(fs, `${netdevFolder(name)}/device`);
      return address === undefined ? undefined : placeOf(address);
    },
  };
};

const placesOf = async (fs: HostFs, pf: string): Promise<ReadonlyMap<string, Place>> => {
  const places = new Map<string, Place>([[pf, 'pf']]);
  for (const index of await listVfIndexes(fs, pf)) {
    const address = await readLinkName(fs, `/sys/bus/pci/devices/${pf}/virtfn${index}`);
    if (address !== undefined) places.set(address, index);
  }
  return places;
};

/**
 * What an action is at boot. Files are on disk already: `undefined`. The driver that a probe leads
 * to is not known before it was tried.
 *
 * @throws SriovctlError for an action that no boot script can do.
 */
export const bootOpOf = async (action: Action, locator: Locator): Promise<BootOp | undefined> => {
  switch (action.kind) {
    case 'attribute':
    case 'trigger':
      return write(action.path, action.value, locator);
    case 'module':
      return { kind: 'module', module: action.module };
    case 'link': {
      const place = await locator.placeOfNetdev(action.netdev);
      if (place !== undefined) return { kind: 'link', place, up: action.up };
      return { kind: 'command', words: linkCommand(action.netdev, action.up).argv };
    }
    case 'vf':
      return { kind: 'vf-settings', vfs: action.vfs };
    case 'eswitch':
      return { kind: 'eswitch', address: action.address, settings: action.settings };
    case 'command':
      return { kind: 'command', words: await wordsOf(action.command.argv, locator) };
    case 'file':
    case 'remove':
    case 'regenerate':
      return undefined;
    case 'object':
      throw notForBoot(action);
  }
};

const functionPath = /^\/sys\/bus\/pci\/devices\/([^/]+)\/(.+)$/;
const netdevPath = /^\/sys\/class\/net\/([^/]+)\/(.+)$/;
const bindPath = /^\/sys\/bus\/pci\/drivers\/([^/]+)\/(bind|unbind)$/;

const write = async (path: HostPath, value: string, locator: Locator): Promise<BootOp> => {
  const text = value.trim();
  const [, address, name] = functionPath.exec(path) ?? [];
  const [, netdev, netdevName] = netdevPath.exec(path) ?? [];
  const place =
    address !== undefined
      ? await locator.placeOf(address)
      : netdev === undefined
        ? undefined
        : await locator.placeOfNetdev(netdev);
  if (place !== undefined && name !== undefined) return functionWrite(place, name, text);
  if (place !== undefined && netdevName !== undefined) {
    return { kind: 'netdev-attribute', place, name: netdevName, value: text };
  }
  const named = await locator.placeOf(text);
  const binding = named === undefined ? undefined : bindingOf(path, named);
  return binding ?? { kind: 'host-attribute', path, value: text };
};

const functionWrite = (place: Place, name: string, value: string): BootOp => {
  if (place === 'pf' && name === 'sriov_numvfs') return { kind: 'make-vfs', count: Number(value) };
  if (name === 'driver/unbind') return { kind: 'unbind', place };
  return { kind: 'attribute', place, name, value };
};

const bindingOf = (path: HostPath, place: Place): BootOp | undefined => {
  if (posix.basename(path) === 'drivers_probe') return { kind: 'probe', place, driver: '' };
  const [, driver, verb] = bindPath.exec(path) ?? [];
  if (driver === undefined) return undefined;
  return verb === 'bind' ? { kind: 'bind', place, driver } : { kind: 'unbind', place };
};

/** Netdev names become what they are at boot; `vf N` of ip-link(8) becomes the VF's index. */
const wordsOf = async (argv: readonly string[], locator: Locator): Promise<readonly Word[]> => {
  const words: Word[] = [];
  for (const [position, word] of argv.entries()) {
    const place = position === 0 ? undefined : await locator.placeOfNetdev(word);
    if (place !== undefined) words.push({ netdevOf: place });
    else if (argv[position - 1] === 'vf' && /^\d+$/.test(word))
      words.push({ indexOf: Number(word) });
    else words.push(word);
  }
  return words;
};

const notForBoot = (action: Action): SriovctlError =>
  new SriovctlError('NOT_FOR_BOOT', `a boot script cannot ${describeAction(action)}`, {
    exit: 'failed',
    hint: 'This is a bug of sriovctl: please report it.',
  });
