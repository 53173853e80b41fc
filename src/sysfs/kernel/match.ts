import type { HostPath } from '../../host.ts';
import { modulesFolder } from '../module.ts';
import { modulesForModalias } from '../module-alias.ts';
import { modules, pciAttribute, pciDriver } from '../paths.ts';
import { readAttribute, readId, readLinkName } from '../read.ts';
import { driverFacts } from './drivers.ts';
import type { Kernel } from './kernel.ts';

/** Names of modules that modules.alias knows for a PCI function, in its order. */
export const modulesFor = async (kernel: Kernel, address: string): Promise<readonly string[]> => {
  const modalias = await readAttribute(kernel.fs, pciAttribute(address, 'modalias'));
  if (modalias === undefined) return [];
  const known = kernel.aliases.get(modalias) ?? (await lookUpAliases(kernel, modalias));
  kernel.aliases.set(modalias, known);
  return known;
};

/** Whether a driver may take a function (pci_match_device in drivers/pci/pci-driver.c). */
export const driverMatches = async (
  kernel: Kernel,
  driver: string,
  address: string,
): Promise<boolean> => {
  const override = await overrideOf(kernel, address);
  if (override !== undefined) return override === driver;
  return (await driversFor(kernel, address)).includes(driver);
};

/** Registered drivers that may take a function, by override, id table or new_id. */
export const driversFor = async (kernel: Kernel, address: string): Promise<readonly string[]> => {
  const { fs, dynamicIds, remembered } = kernel;
  const override = await overrideOf(kernel, address);
  const names: (string | undefined)[] = [];
  if (override !== undefined) names.push(override);
  else {
    for (const module of await modulesFor(kernel, address)) {
      names.push(...(await driversOf(fs, module)));
    }
    names.push(remembered.get(address)?.driver, await vfDriverOf(fs, address));
    const id = `${await readId(fs, pciAttribute(address, 'vendor'))} ${await readId(fs, pciAttribute(address, 'device'))}`;
    for (const [driver, ids] of dynamicIds) if (ids.has(id)) names.push(driver);
  }
  const registered = new Set<string>();
  for (const name of names) {
    if (name !== undefined && (await fs.stat(pciDriver(name))) !== undefined) registered.add(name);
  }
  return [...registered];
};

/** The driver a user asked for; unset it reads `(null)`. */
export const overrideOf = async ({ fs }: Kernel, address: string): Promise<string | undefined> => {
  const text = await readAttribute(fs, pciAttribute(address, 'driver_override'));
  return text === undefined || text === '' || text === '(null)' ? undefined : text;
};

/** VFs are probed only while their PF allows it, or when they have an override (pci_device_can_probe). */
export const mayProbe = async (kernel: Kernel, address: string): Promise<boolean> => {
  const pf = await readLinkName(kernel.fs, pciAttribute(address, 'physfn'));
  if (pf === undefined || (await overrideOf(kernel, address)) !== undefined) return true;
  return (await readAttribute(kernel.fs, pciAttribute(pf, 'sriov_drivers_autoprobe'))) !== '0';
};

/** Drivers a loaded module has registered; one built into the kernel may have no folder of its own. */
const driversOf = async (fs: Kernel['fs'], module: string): Promise<readonly string[]> => {
  const folder: HostPath = `${modules}/${module.replaceAll('-', '_')}/drivers`;
  const registered = ((await fs.list(folder)) ?? []).flatMap(
    (name) => /^pci:(.+)$/.exec(name)?.[1] ?? [],
  );
  return registered.length > 0 ? registered : [module];
};

/** For trees without modules.alias: the driver that goes with the PF's. */
const vfDriverOf = async (fs: Kernel['fs'], address: string): Promise<string | undefined> => {
  const pf = await readLinkName(fs, pciAttribute(address, 'physfn'));
  const driver = pf && (await readLinkName(fs, pciAttribute(pf, 'driver')));
  return driver === undefined ? undefined : driverFacts(driver).vfDriver;
};

const lookUpAliases = async ({ fs }: Kernel, modalias: string): Promise<readonly string[]> => {
  const aliases = await fs.readText(`${await modulesFolder(fs)}/modules.alias`);
  return aliases === undefined ? [] : modulesForModalias(aliases, modalias);
};
