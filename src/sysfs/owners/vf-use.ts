import type { HostView } from '../../host.ts';
import type { VirtualFunction } from '../pci-device.ts';

/** That somebody uses a VF. */
export interface VfUse {
  readonly vf: VirtualFunction;
  /** Who or what it is, in words that let it be found: `qemu-system-x86 (pid 4242, guest vm1)`. */
  readonly by: string;
  /** The kernel does not remove the VF before this user lets go; a write that removes it hangs. */
  readonly blocks?: true;
  /** It is this host's own network configuration, which may take up a new VF by itself. */
  readonly here?: true;
}

/** One way to find users of VFs. It asks nothing of the host where none of the VFs can be used so. */
export type FindUses = (
  host: HostView,
  vfs: readonly VirtualFunction[],
) => Promise<readonly VfUse[]>;
