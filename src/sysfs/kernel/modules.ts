import { posix } from 'node:path';
import { HostError } from '../../errors.ts';
import type { HostPath } from '../../host.ts';
import { modulesFolder } from '../module.ts';
import { installedModuleFile } from '../module-state.ts';
import type { Planting } from '../overlay-node.ts';
import { moduleFolder, pciDriver, udevFolder } from '../paths.ts';
import { attachDriver } from './binding.ts';
import { driverOfModule } from './drivers.ts';
import type { Kernel } from './kernel.ts';
import { modulesFor } from './match.ts';
import { type ModuleFields, moduleFileFields } from './module-file.ts';

/** How long after a device appeared udev has loaded its module, in milliseconds: seen were 100 to 300. */
const autoloadMs = 150;

/** What modprobe(8) does: the modules it needs first, then the module; its driver takes its devices. */
export const loadModule = async (kernel: Kernel, name: string): Promise<void> => {
  const { fs } = kernel;
  const module = name.replaceAll('-', '_');
  const folder = await modulesFolder(fs);
  const dependencies = await fs.readText(`${folder}/modules.dep`);
  const builtin = await fs.readText(`${folder}/modules.builtin`);
  const needed = neededBy(dependencies ?? '', module);
  if (needed === undefined && lineOf(builtin ?? '', module) !== undefined) return;
  if (needed === undefined && dependencies !== undefined) {
    const said = `modprobe: FATAL: Module ${name} not found in directory ${folder}`;
    throw new HostError('EXIT', `modprobe -- ${name}`, `exit code 1: ${said}`);
  }
  for (const each of needed ?? [module]) await insert(kernel, each);
};

/** udev loads what modules.alias names for a new device, a moment after it appeared. */
export const autoloadModule = (kernel: Kernel, address: string): void => {
  kernel.clock.after(autoloadMs, async () => {
    if ((await kernel.fs.stat(udevFolder)) === undefined) return;
    for (const module of await modulesFor(kernel, address)) {
      const loaded = (await kernel.fs.stat(moduleFolder(module))) !== undefined;
      if (!loaded && !(await isBlacklisted(kernel, module))) await loadModule(kernel, module);
    }
  });
};

const insert = async (kernel: Kernel, module: string): Promise<void> => {
  const { fs } = kernel;
  if ((await fs.stat(moduleFolder(module))) !== undefined) return;
  const aliases = (await fs.readText(`${await modulesFolder(fs)}/modules.alias`)) ?? '';
  const drivesPci = new RegExp(`^alias pci:\\S+ ${module}$`, 'm').test(aliases);
  const driver = driverOfModule(module, drivesPci);
  const file = await installedModuleFile(fs, module);
  const fields = file && (await moduleFileFields(fs, `${await modulesFolder(fs)}/${file}`));
  await fs.plant(moduleFolder(module), {
    folder: { ...moduleAttributes(driver), ...buildAttributes(fields || {}) },
  });
  await fs.writeFile(
    '/proc/modules',
    `${module} 65536 0 - Live 0x0000000000000000\n${(await fs.readText('/proc/modules')) ?? ''}`,
  );
  if (module === 'vfio' && (await fs.stat('/dev/vfio/vfio')) === undefined) {
    await fs.plant('/dev/vfio/vfio', { content: '', mode: 0o666 });
  }
  if (driver === undefined) return;
  await fs.plant(pciDriver(driver), { folder: driverAttributes(module) });
  await attachDriver(kernel, driver);
};

const moduleAttributes = (driver: string | undefined): Readonly<Record<string, Planting>> => ({
  initstate: { content: 'live\n', mode: 0o444 },
  refcnt: { content: '0\n', mode: 0o444 },
  ...(driver !== undefined && {
    drivers: { folder: { [`pci:${driver}`]: { link: `../../../bus/pci/drivers/${driver}` } } },
  }),
  ...(driver === 'vfio-pci' && { parameters: { folder: { enable_sriov: 'N\n' } } }),
});

/** Which build it is of is known of those that a simulation has built. */
const buildAttributes = ({ srcversion }: ModuleFields): Readonly<Record<string, Planting>> =>
  srcversion === undefined ? {} : { srcversion: { content: `${srcversion}\n`, mode: 0o444 } };

const driverAttributes = (module: string): Readonly<Record<string, Planting>> => {
  const writeOnly: Planting = { content: '', mode: 0o200 };
  return {
    bind: writeOnly,
    new_id: writeOnly,
    remove_id: writeOnly,
    uevent: writeOnly,
    unbind: writeOnly,
    module: { link: `../../../../module/${module}` },
  };
};

/** Modules in the order of loading, by modules.dep; `undefined` if it does not name the module. */
const neededBy = (text: string, module: string): readonly string[] | undefined => {
  const line = lineOf(text, module);
  const [, after] = line?.split(':') ?? [];
  if (after === undefined) return undefined;
  return [...after.split(' ').filter(Boolean).reverse().map(moduleOfFile), module];
};

const lineOf = (text: string, module: string): string | undefined =>
  text.split('\n').find((line) => moduleOfFile(line.split(':')[0] ?? '') === module);

const moduleOfFile = (file: string): string =>
  posix
    .basename(file)
    .replace(/\.ko(?:\.\w+)?$/, '')
    .replaceAll('-', '_');

const configFolders: readonly HostPath[] = [
  '/etc/modprobe.d',
  '/run/modprobe.d',
  '/lib/modprobe.d',
];

/** Loading by alias minds the blacklists, loading by name does not (modprobe.d(5)). */
const isBlacklisted = async ({ fs }: Kernel, module: string): Promise<boolean> => {
  const texts: (string | undefined)[] = [];
  for (const folder of configFolders) {
    for (const name of (await fs.list(folder)) ?? []) {
      if (name.endsWith('.conf')) texts.push(await fs.readText(`${folder}/${name}`));
    }
  }
  const named = texts.flatMap((text) => text?.match(/^\s*blacklist\s+\S+/gm) ?? []);
  const onKernel = /(?:^|\s)(?:modprobe\.|module_)blacklist=(\S+)/.exec(
    (await fs.readText('/proc/cmdline')) ?? '',
  )?.[1];
  const all = [
    ...named.map((line) => line.trim().split(/\s+/)[1] ?? ''),
    ...(onKernel?.split(',') ?? []),
  ];
  return all.some((name) => name.replaceAll('-', '_') === module);
};
