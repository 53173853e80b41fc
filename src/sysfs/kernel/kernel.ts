import { HostError } from '../../errors.ts';
import type { EswitchSettings, HostPath, VfAttributes } from '../../host.ts';
import type { Overlay } from '../overlay.ts';
import { netAttribute, netClass, pciAttribute, pciDevice } from '../paths.ts';
import { readLinkName, readNumber } from '../read.ts';
import type { Clock } from './clock.ts';

/** What goes wrong in a simulation, stated beforehand as data. */
export interface Faults {
  /** What the driver of a PF answers when VFs are to be made (`EPERM`, `ENOSPC` …), by PF address. */
  readonly driverErrno?: Readonly<Record<string, string>>;
  /** How many VFs the driver of a PF makes at most; the write succeeds nevertheless. */
  readonly shortCount?: Readonly<Record<string, number>>;
  /** VFs whose vfio device somebody holds open: their removal waits for that. */
  readonly heldVfs?: readonly string[];
  /**
   * VFs whose driver cannot hear its PF when it takes them for the first time, and makes a MAC up, which
   * a trusted VF has its PF keep (igbvf, when the link of the port comes up in that moment).
   */
  readonly deafVfs?: readonly string[];
  /** How long after the bind a driver registers its netdev, in milliseconds. */
  readonly netdevDelayMs?: number;
  /** What any write to a path fails with (`EROFS`, `EACCES`). */
  readonly writeErrno?: Readonly<Record<HostPath, string>>;
}

/** Ways to be wrong on purpose: what proves that the comparison with a real kernel can fail. */
export interface Deviations {
  readonly errnos?: Readonly<Record<string, string>>;
  readonly withoutPhysfn?: boolean;
  readonly strideOff?: number;
}

/** What is remembered of a function over an unbind: its netdev gets the same name and MAC again. */
export interface Remembered {
  readonly driver: string;
  readonly netdev: { readonly name: string; readonly mac: string };
}

/** The simulated kernel: everything that can be seen is in `fs`, the rest is what the kernel keeps. */
export interface Kernel {
  readonly fs: Overlay;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly deviations: Deviations;
  readonly random: () => number;
  /** The random MACs that netdevs got here. */
  readonly drawnMacs: Set<string>;
  /** `vendor device` ids that were given to a driver through new_id. */
  readonly dynamicIds: Map<string, Set<string>>;
  readonly remembered: Map<string, Remembered>;
  /** VFs that were probed or set up while their PF was down: it does not know their MACs. */
  readonly unheard: Set<string>;
  readonly heldVfs: Set<string>;
  readonly deafVfs: Set<string>;
  /** What the PF's driver was told to keep for a VF, by the VF's address. */
  readonly vfConfigs: Map<string, VfAttributes>;
  /** How many interrupt vectors VFs were given, by the VF's address. */
  readonly msixCounts: Map<string, number>;
  /** VFs that were made here: what the host below says of their place is not about them. */
  readonly newVfs: Set<string>;
  /** Switches that were changed here, by their PF's address. */
  readonly eswitches: Map<string, EswitchSettings>;
  /** What the kernel has said: a line begins with the driver and the address it is about. */
  readonly log: { readonly at: number; readonly message: string }[];
  /** Modules that modules.alias names for a modalias. */
  readonly aliases: Map<string, readonly string[]>;
  /** What goes on when the user of a held VF lets it go. */
  readonly waiting: Map<string, () => Promise<void>>;
  /** A removal waits with the lock that every other one, on any PF, has to take. */
  removalWaits: boolean;
  lastIfindex: number | undefined;
  /** No ethN below this is free. */
  firstFreeEth: number;
}

/** An errno on its way out of a store function, as the kernel returns it: without a path. */
export class Errno extends Error {
  readonly errno: string;

  constructor(errno: string) {
    super(errno);
    this.errno = errno;
  }
}

/** Says something in the kernel log as pci_info and its kin do: `igb 0000:01:00.0: …`. */
export const say = async (kernel: Kernel, address: string, message: string): Promise<void> => {
  const driver = await readLinkName(kernel.fs, pciAttribute(address, 'driver'));
  kernel.log.push({ at: kernel.clock.now, message: `${driver ?? 'pci'} ${address}: ${message}` });
};

/** How long a program waits for a write that does not end, in milliseconds (linux-host.ts). */
export const patienceMs = 300_000;

/** What a program is told that gives up waiting; the write goes on. */
export const stillWaiting = (path: HostPath): HostError =>
  new HostError('ETIMEDOUT', path, `no end after ${patienceMs / 1000} s`);

/** A PCI function's real folder. */
export const folderOf = async ({ fs }: Kernel, address: string): Promise<HostPath> => {
  const folder = await fs.realPath(pciDevice(address));
  if (folder === undefined) throw new Errno('ENODEV');
  return folder;
};

/** Interface numbers only grow (dev_new_index in net/core/dev.c). */
export const nextIfindex = async (kernel: Kernel): Promise<number> => {
  let last = kernel.lastIfindex ?? 0;
  if (kernel.lastIfindex === undefined) {
    for (const name of (await kernel.fs.list(netClass)) ?? []) {
      last = Math.max(last, (await readNumber(kernel.fs, netAttribute(name, 'ifindex'))) ?? 0);
    }
  }
  kernel.lastIfindex = last + 1;
  return last + 1;
};
