import { functionsOfModule, moduleHolders } from '../module.ts';
import { moduleFolder, pciAttribute, pciDriver } from '../paths.ts';
import { readLinkName } from '../read.ts';
import { storeUnbind } from './driver-stores.ts';
import type { Kernel } from './kernel.ts';

/**
 * What modprobe(8) -r does: the module's drivers let all their devices go, and it is no more. One that
 * is not loaded is gone already.
 *
 * @returns what it complains of.
 */
export const unloadModule = async (kernel: Kernel, name: string): Promise<string | undefined> => {
  const { fs } = kernel;
  const module = name.replaceAll('-', '_');
  const folder = moduleFolder(module);
  if ((await fs.stat(folder)) === undefined) return undefined;
  const holders = await moduleHolders(fs, module);
  if (holders.length > 0) {
    return `modprobe: FATAL: Module ${name} is in use by: ${holders.join(' ')}`;
  }
  if ((await fs.stat(`${folder}/initstate`)) === undefined) {
    return `modprobe: FATAL: Module ${name} is builtin.`;
  }
  for (const address of await functionsOfModule(fs, module)) {
    const driver = await readLinkName(fs, pciAttribute(address, 'driver'));
    if (driver !== undefined) await storeUnbind(kernel, driver, address);
  }
  for (const entry of (await fs.list(`${folder}/drivers`)) ?? []) {
    if (entry.startsWith('pci:')) await fs.remove(pciDriver(entry.slice('pci:'.length)));
  }
  await fs.remove(folder);
  const loaded = (await fs.readText('/proc/modules')) ?? '';
  await fs.writeFile('/proc/modules', loaded.replace(new RegExp(`^${module} .*\n`, 'm'), ''));
  return undefined;
};
