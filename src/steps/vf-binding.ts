import type { Change } from '../change.ts';
import type { HostError } from '../errors.ts';
import type { Problem } from '../events.ts';
import type { Action, HostFs } from '../host.ts';
import { binding, unbinding } from '../sysfs/binding.ts';
import { isDriverPresent, moduleOfDriver } from '../sysfs/module.ts';
import { pciAttribute, pciDriversProbe } from '../sysfs/paths.ts';
import type { PhysicalFunction, VirtualFunction } from '../sysfs/pci-device.ts';
import { readAttribute, readLinkName } from '../sysfs/read.ts';
import { isUserspaceDriver, kernelDriver } from '../sysfs/vf-settings.ts';
import { unbindVf } from './vf-unbinding.ts';

interface Wish {
  readonly pf: PhysicalFunction;
  readonly vf: VirtualFunction;
  /** The driver that the kernel would choose, where that is known. */
  readonly usual: string | undefined;
  readonly driver: string | undefined;
}

/** The changes that give a VF its driver; none where it has it. */
export const planDriver = async (fs: HostFs, wish: Wish): Promise<readonly Change[]> => {
  const { vf, usual } = wish;
  const driver = wish.driver === usual ? kernelDriver : wish.driver;
  if (driver !== undefined && driver !== kernelDriver) {
    return vf.driver === driver ? [] : planNamedDriver(fs, wish, driver);
  }
  const fine = vf.driver !== undefined && (driver === undefined || (await hasUsual(fs, vf, usual)));
  return fine ? [] : planUsualDriver(fs, wish);
};

/** A module may register its driver under another name (nfp: nfp_netvf). */
const hasUsual = async (
  fs: HostFs,
  { driver }: VirtualFunction,
  usual: string | undefined,
): Promise<boolean> => {
  if (driver === undefined || usual === undefined) return !isUserspaceDriver(driver);
  return driver === usual || (await moduleOfDriver(fs, driver)) === usual.replaceAll('-', '_');
};

/** driver_override lets one driver take the VF and no other; bind says why if it does not. */
const planNamedDriver = async (
  fs: HostFs,
  { pf, vf }: Wish,
  driver: string,
): Promise<readonly Change[]> => [
  ...unbindVf(pf, vf, `it is to be driven by ${driver}`),
  ...(await planOverride(fs, vf, driver)),
  {
    action: binding(driver, vf.address),
    reason: `VF ${vf.index} of ${pf.netdev ?? pf.address} is to be driven by ${driver}`,
    undo: [unbinding(vf.address)],
  },
];

const planUsualDriver = async (
  fs: HostFs,
  { pf, vf, driver }: Wish,
): Promise<readonly Change[]> => [
  ...unbindVf(pf, vf, 'it is to have its usual driver'),
  // Without a wish an override that somebody else has set stays.
  ...(driver === undefined ? [] : await planOverride(fs, vf, undefined)),
  {
    action: { kind: 'trigger', path: pciDriversProbe, value: vf.address },
    reason: `VF ${vf.index} of ${pf.netdev ?? pf.address} is to have its usual driver`,
    undo: [unbinding(vf.address)],
  },
];

/** An unset override reads `(null)`, and is cleared by a newline. */
const planOverride = async (
  fs: HostFs,
  vf: VirtualFunction,
  driver: string | undefined,
): Promise<readonly Change[]> => {
  const path = pciAttribute(vf.address, 'driver_override');
  const current = await readAttribute(fs, path);
  const set = current === undefined || current === '(null)' ? '' : current;
  if (set === (driver ?? '')) return [];
  return [
    {
      action: { kind: 'attribute', path, value: driver ?? '\n' },
      reason:
        driver === undefined
          ? `any driver may take VF ${vf.index} again`
          : `no other driver than ${driver} may take VF ${vf.index}`,
    },
  ];
};

/** Where the stage `driver` was left out, a driver that is to bind VFs is loaded first. */
export const withModules = async (
  fs: HostFs,
  changes: readonly Change[],
): Promise<readonly Change[]> => {
  const modules = new Set<string>();
  for (const { action } of changes) {
    const [, driver] = action.kind === 'trigger' ? (/([^/]+)\/bind$/.exec(action.path) ?? []) : [];
    if (driver !== undefined && !(await isDriverPresent(fs, driver))) modules.add(driver);
  }
  const loads = [...modules].map(
    (module): Change => ({
      action: { kind: 'module', module },
      reason: `${module} is to drive VFs`,
      undo: 'irreversible',
    }),
  );
  return [...loads, ...changes];
};

/** Why a driver did not take a VF, in words; `undefined` for what the errno says by itself. */
export const refusedBinding = async (
  fs: HostFs,
  action: Action,
  { errno }: HostError,
): Promise<Problem | undefined> => {
  const [, driver] = action.kind === 'trigger' ? (/([^/]+)\/bind$/.exec(action.path) ?? []) : [];
  if (driver === undefined || action.kind !== 'trigger') return undefined;
  const address = action.value.trim();
  const group = await readLinkName(fs, pciAttribute(address, 'iommu_group'));
  const problem = `${driver} did not take VF ${address}: ${errno}`;
  const code = `BIND_${errno}`;
  if (driver === 'vfio-pci' && errno === 'EINVAL' && group === undefined) {
    const hint =
      'No IOMMU translates for it: switch it on in the firmware setup and the kernel arguments.';
    return { code, problem, hint };
  }
  const hint = bindHints[errno];
  return hint === undefined ? undefined : { code, problem, hint };
};

const bindHints: Readonly<Record<string, string>> = {
  EBUSY: 'Somebody else has bound it to a driver meanwhile (driverctl, libvirt, a udev rule).',
  ENODEV:
    'The driver does not know this kind of card, or the VF is gone. `dmesg` may tell what its probe said.',
  ENOENT: 'The driver is not loaded.',
  EINVAL: 'The driver tried and failed: the end of `dmesg` tells why.',
  EPERM: 'The driver tried and was not allowed to: the end of `dmesg` tells why.',
};
