import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { Action, HostFs, HostPath } from '../host.ts';
import { moduleFileText } from '../sysfs/kernel/module-file.ts';
import { Overlay } from '../sysfs/overlay.ts';
import type { CommandModel } from '../sysfs/simulated-host.ts';
import { parseDkmsConf } from './dkms-conf.ts';
import { modulesOfMakefile } from './makefile.ts';
import { dkmsSource, dkmsTree, modulesOfRelease, updatesFolder } from './places.ts';

/** Models of what builds and registers modules, for simulated hosts: only what a stage reads back. */
export const driverSourceModels: Readonly<Record<string, CommandModel>> = {
  make: async ({ argv }, fs) => {
    const [, release] =
      /^\/lib\/modules\/([^/]+)\/build$/.exec(argv[argv.indexOf('-C') + 1] ?? '') ?? [];
    const folder = argv.find((word) => word.startsWith('M='))?.slice(2) as HostPath | undefined;
    if (release === undefined || folder === undefined) return undefined;
    const makefile = await firstText(fs, [`${folder}/Kbuild`, `${folder}/Makefile`]);
    return builtModules(fs, folder, { release, modules: modulesOfMakefile(makefile), to: folder });
  },
  depmod: async ({ argv }, fs) => registered(fs, argv[1] ?? ''),
  dkms: async ({ argv }, fs) => {
    const value = (flag: string): string => argv[argv.indexOf(flag) + 1] ?? '';
    const source = { name: value('-m'), version: value('-v') };
    return fs instanceof Overlay ? dkms(fs, argv[1] ?? '', source, value('-k')) : undefined;
  },
};

const builtModules = async (
  fs: HostFs,
  folder: HostPath,
  { release, modules, to }: { release: string; modules: readonly string[]; to: HostPath },
): Promise<readonly Action[]> => {
  const digest = createHash('sha256');
  for (const name of [...((await fs.list(folder)) ?? [])].sort()) {
    if (/\.[ch]$/.test(name)) digest.update((await fs.readText(`${folder}/${name}`)) ?? '');
  }
  const srcversion = digest.digest('hex').slice(0, 23).toUpperCase();
  return modules.map((name) => ({
    kind: 'file',
    path: `${to}/${name}.ko`,
    content: moduleFileText({ name, srcversion, vermagic: `${release} SMP preempt` }),
  }));
};

/** depmod(8): what lies below `updates` goes before the kernel's own, which modules.order names. */
const registered = async (fs: HostFs, release: string): Promise<readonly Action[]> => {
  const folder = modulesOfRelease(release);
  const path: HostPath = `${folder}/modules.dep`;
  const updates = await modulesBelow(fs, updatesFolder(release), 'updates');
  const own = ((await fs.readText(`${folder}/modules.order`)) ?? '').split('\n').filter(Boolean);
  const lines = ((await fs.readText(path)) ?? '').split('\n').filter(Boolean);
  const kept = lines.flatMap((line) => {
    const [file = '', needed = ''] = line.split(':');
    const newer = updates.find((update) => nameOf(update) === nameOf(file));
    if (newer !== undefined) return [`${newer}:${needed}`];
    if (!file.startsWith('updates/')) return [line];
    return own.filter((each) => nameOf(each) === nameOf(file)).map((each) => `${each}:${needed}`);
  });
  const known = new Set(kept.map((line) => nameOf(line.split(':')[0] ?? '')));
  const fresh = updates.filter((file) => !known.has(nameOf(file))).map((file) => `${file}:`);
  return [{ kind: 'file', path, content: `${[...kept, ...fresh].join('\n')}\n` }];
};

const modulesBelow = async (
  fs: HostFs,
  folder: HostPath,
  relative: string,
): Promise<readonly string[]> => {
  const found: string[] = [];
  for (const name of (await fs.list(folder)) ?? []) {
    if (/\.ko(?:\.\w+)?$/.test(name)) found.push(`${relative}/${name}`);
    else found.push(...(await modulesBelow(fs, `${folder}/${name}`, `${relative}/${name}`)));
  }
  return found;
};

const nameOf = (file: string): string =>
  posix
    .basename(file)
    .replace(/\.ko(?:\.\w+)?$/, '')
    .replaceAll('-', '_');

/** dkms(8): `add`, `build`, `install`, `uninstall` and `remove` of one source. */
const dkms = async (
  fs: Overlay,
  verb: string,
  source: { readonly name: string; readonly version: string },
  release: string,
): Promise<readonly Action[] | undefined> => {
  const tree: HostPath = `${dkmsTree(source.name)}/${source.version}`;
  const folder = dkmsSource(source);
  const built: HostPath = `${tree}/${release}/x86_64/module`;
  const conf = parseDkmsConf((await fs.readText(`${folder}/dkms.conf`)) ?? '');
  const installed: HostPath = `${updatesFolder(release)}/dkms`;
  switch (verb) {
    case 'add':
      await fs.setLink(`${tree}/source`, folder);
      return [];
    case 'build':
      return builtModules(fs, folder, { release, modules: conf?.modules ?? [], to: built });
    case 'install':
      for (const name of (await fs.list(built)) ?? []) {
        await fs.plant(`${installed}/${name}`, (await fs.readText(`${built}/${name}`)) ?? '');
      }
      return registered(fs, release);
    case 'uninstall':
      return uninstalled(fs, release);
    case 'remove': {
      const releases = ((await fs.list(tree)) ?? []).filter((name) => name !== 'source');
      const actions: Action[] = [];
      for (const each of releases) {
        actions.push(...(await uninstalled(fs, each)));
      }
      await fs.remove(dkmsTree(source.name));
      return actions;
    }
    default:
      return undefined;
  }
};

/** Folders that are empty then go too (rmdir -p in dkms). */
const uninstalled = async (fs: Overlay, release: string): Promise<readonly Action[]> => {
  const updates = updatesFolder(release);
  await fs.remove(`${updates}/dkms`);
  if ((await fs.list(updates))?.length === 0) await fs.remove(updates);
  return registered(fs, release);
};

const firstText = async (fs: HostFs, paths: readonly HostPath[]): Promise<string> => {
  for (const path of paths) {
    const text = await fs.readText(path);
    if (text !== undefined) return text;
  }
  return '';
};
