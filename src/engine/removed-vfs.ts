import type { Action, HostView, VfAttributes } from '../host.ts';
import { attributeSpelling } from '../sysfs/attribute.ts';
import { binding, unbinding } from '../sysfs/binding.ts';
import { pciAttribute } from '../sysfs/paths.ts';
import { readPf, type VirtualFunction } from '../sysfs/pci-device.ts';
import { readAttribute } from '../sysfs/read.ts';
import { differing, readVfLinks } from '../sysfs/vf-link.ts';

/** A VF that a change of the number removes. The kernel makes plain ones in its place. */
export interface RemovedVf {
  readonly index: number;
  readonly address: string;
  readonly driver?: string;
  /** As it reads: `(null)` where there is none. */
  readonly override?: string;
  /** What the PF's driver keeps for it, where that can be asked. */
  readonly settings?: VfAttributes;
}

/** The VFs of a PF, as a rollback has to bring them back. */
export const captureRemovedVfs = async (
  host: HostView,
  address: string,
): Promise<readonly RemovedVf[]> => {
  const pf = await readPf(host.fs, address);
  if (pf === undefined || pf.vfs.length === 0) return [];
  const links = pf.netdev === undefined ? undefined : await readVfLinks(host, pf.netdev);
  const removed: RemovedVf[] = [];
  for (const { index, address: vf, driver } of pf.vfs) {
    const override = await readAttribute(host.fs, pciAttribute(vf, 'driver_override'));
    const settings = links?.get(index);
    removed.push({
      index,
      address: vf,
      ...(driver !== undefined && { driver }),
      ...(override !== undefined && { override }),
      ...(settings !== undefined && { settings }),
    });
  }
  return removed;
};

/**
 * What VFs that stand there again still need to be as they were. Settings come first, since a driver
 * asks for its MAC when it takes the VF and never again.
 */
export const restoringVfs = async (
  host: HostView,
  address: string,
  removed: readonly RemovedVf[],
): Promise<readonly Action[]> => {
  const pf = await readPf(host.fs, address);
  if (pf === undefined || pf.vfs.length !== removed.length) return [];
  const { netdev } = pf;
  const links = netdev === undefined ? undefined : await readVfLinks(host, netdev);
  const settings: ({ readonly index: number } & VfAttributes)[] = [];
  const bindings: Action[] = [];
  for (const vf of pf.vfs) {
    const before = removed.find(({ index }) => index === vf.index);
    if (before === undefined) return [];
    const link = links?.get(vf.index);
    const other = link === undefined ? {} : differing(before.settings ?? {}, link);
    if (Object.keys(other).length > 0) settings.push({ index: vf.index, ...other });
    bindings.push(...overriding(before), ...rebinding(before, vf, 'mac' in other));
  }
  if (netdev === undefined || settings.length === 0) return bindings;
  return [{ kind: 'vf', netdev, vfs: settings }, ...bindings];
};

const overriding = ({ address, override }: RemovedVf): readonly Action[] => {
  if (override === undefined) return [];
  const path = pciAttribute(address, 'driver_override');
  return [{ kind: 'attribute', path, value: attributeSpelling(path, override) }];
};

const rebinding = (
  { driver }: RemovedVf,
  { address, driver: bound }: VirtualFunction,
  anyway: boolean,
): readonly Action[] => {
  if (driver === bound && !anyway) return [];
  return [
    ...(bound === undefined ? [] : [unbinding(address)]),
    ...(driver === undefined ? [] : [binding(driver, address)]),
  ];
};
