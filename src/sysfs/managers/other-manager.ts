import type { HostFs, HostPath } from '../../host.ts';
import { type PhysicalFunction, predictVfs } from '../pci-device.ts';

/** Somebody else who makes or changes the VFs of a PF, by a line of a file. */
export interface OtherManager {
  readonly name: string;
  readonly file: HostPath;
  readonly line: number;
  /** What it does with the PF, in words that go after its name: `sets 4 VFs at each boot`. */
  readonly effect: string;
}

/** A PF by all that configuration calls it by. */
export interface ManagedPf {
  readonly address: string;
  readonly netdev: string | undefined;
  readonly mac: string | undefined;
  readonly driver: string | undefined;
  /** Where its VFs are or would be, by index. */
  readonly vfAddresses: ReadonlyMap<string, number>;
}

/** One way to find managers of a PF in the files of a host. */
export type FindManagers = (fs: HostFs, pf: ManagedPf) => Promise<readonly OtherManager[]>;

export const managedPf = (pf: PhysicalFunction): ManagedPf => ({
  address: pf.address,
  netdev: pf.netdev,
  mac: pf.mac?.toLowerCase(),
  driver: pf.driver,
  vfAddresses: new Map(
    [...predictVfs(pf, pf.sriov.totalVfs), ...pf.vfs].map(({ address, index }) => [address, index]),
  ),
});
