import type { HostFs, HostPath, HostView } from '../host.ts';
import { isDriverPresent, modulesFolder } from './module.ts';
import { readAttribute } from './read.ts';

/** Whether a driver can be had, and what stands in the way. */
export type ModuleState =
  /** Loaded, or built into the kernel and registered. */
  | { readonly state: 'present' }
  | { readonly state: 'loadable'; readonly file: string }
  /** A line of the configuration keeps it from being loaded. */
  | { readonly state: 'blacklisted'; readonly where: string; readonly line: string }
  /** The kernel accepts signed modules only, and its file has no signature. */
  | { readonly state: 'unsigned'; readonly file: string; readonly because: string }
  | { readonly state: 'missing'; readonly lookedFor: string; readonly folder: HostPath }
  /** No module of the running kernel is there at all. */
  | { readonly state: 'no-modules'; readonly folder: HostPath };

/** Looks for a module as modprobe(8) would, without loading it. */
export const moduleState = async (host: HostView, module: string): Promise<ModuleState> => {
  const { fs } = host;
  if (await isDriverPresent(fs, module)) return { state: 'present' };
  const folder = await modulesFolder(fs);
  const installed = await fs.readText(`${folder}/modules.dep`);
  if (await isBuiltIn(fs, module)) return { state: 'present' };
  if (installed === undefined) return { state: 'no-modules', folder };
  const file = fileOf(installed, module);
  if (file === undefined) return { state: 'missing', lookedFor: `${module}.ko`, folder };
  const listed = await blacklisting(fs, module);
  if (listed !== undefined) return { state: 'blacklisted', ...listed };
  const because = await signaturesRequired(fs);
  if (because !== undefined && (await isUnsigned(host, module))) {
    return { state: 'unsigned', file: `${folder}/${file}`, because };
  }
  return { state: 'loadable', file: `${folder}/${file}` };
};

/** The file that modprobe(8) would load, below the folder of the running kernel's modules. */
export const installedModuleFile = async (
  fs: HostFs,
  module: string,
): Promise<string | undefined> => {
  const text = await fs.readText(`${await modulesFolder(fs)}/modules.dep`);
  return text && fileOf(text, module);
};

/** Whether the kernel has it built in, so that no other can be loaded. */
export const isBuiltIn = async (fs: HostFs, module: string): Promise<boolean> => {
  const text = await fs.readText(`${await modulesFolder(fs)}/modules.builtin`);
  return text !== undefined && fileOf(text, module) !== undefined;
};

/** The path of a module in modules.dep (`path: needed …`) or modules.builtin (`path`). */
const fileOf = (text: string, module: string): string | undefined => {
  const name = module.replaceAll(/[-_]/g, '[-_]');
  return new RegExp(`^(\\S*/${name}\\.ko(?:\\.\\w+)?):?(?:\\s|$)`, 'm').exec(text)?.[1];
};

/** The folders of modprobe.d(5). */
const configFolders: readonly HostPath[] = [
  '/etc/modprobe.d',
  '/run/modprobe.d',
  '/usr/local/lib/modprobe.d',
  '/usr/lib/modprobe.d',
  '/lib/modprobe.d',
];

interface Blacklisting {
  readonly where: string;
  readonly line: string;
}

const blacklisting = async (fs: HostFs, module: string): Promise<Blacklisting | undefined> => {
  const onKernel = (await readAttribute(fs, '/proc/cmdline'))?.split(/\s+/) ?? [];
  for (const word of onKernel) {
    const [, names] = /^(?:modprobe\.blacklist|module_blacklist)=(.*)$/.exec(word) ?? [];
    if (names?.split(',').some((name) => isSame(name, module)) === true) {
      return { where: 'the kernel command line', line: word };
    }
  }
  for (const folder of configFolders) {
    for (const name of [...((await fs.list(folder)) ?? [])].sort()) {
      if (!name.endsWith('.conf')) continue;
      const found = lineAgainst((await fs.readText(`${folder}/${name}`)) ?? '', module);
      if (found !== undefined) {
        return { where: `${folder}/${name}:${found.number}`, line: found.line };
      }
    }
  }
  return undefined;
};

/** `blacklist NAME`, or an `install NAME` that installs nothing. */
const lineAgainst = (text: string, module: string) => {
  for (const [index, line] of text.split('\n').entries()) {
    const [word, name = '', command = ''] = line.trim().split(/\s+/);
    const stops =
      word === 'blacklist' ||
      (word === 'install' && /^(?:\/usr)?\/bin\/(?:true|false)$/.test(command));
    if (stops && isSame(name, module)) return { number: index + 1, line: line.trim() };
  }
  return undefined;
};

const isSame = (a: string, b: string): boolean => a.replaceAll('-', '_') === b.replaceAll('-', '_');

const lockdown: HostPath = '/sys/kernel/security/lockdown';
const enforced: HostPath = '/sys/module/module/parameters/sig_enforce';
/** Four bytes of attributes, then 1 for on (UEFI specification, SecureBoot). */
const secureBoot: HostPath =
  '/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c';

/** Why the kernel takes signed modules only: lockdown, its own setting, or Secure Boot if all that is known. */
export const signaturesRequired = async (fs: HostFs): Promise<string | undefined> => {
  if ((await readAttribute(fs, enforced)) === 'Y') return 'module.sig_enforce is on';
  const mode = /\[(\w+)\]/.exec((await readAttribute(fs, lockdown)) ?? '')?.[1];
  if (mode !== undefined) return mode === 'none' ? undefined : `kernel lockdown is ${mode}`;
  const bytes = await fs.readText(secureBoot);
  return bytes?.charCodeAt(4) === 1 ? 'Secure Boot is on' : undefined;
};

/** modinfo(8) also reads compressed modules; one that says nothing of the file is no witness. */
const isUnsigned = async (host: HostView, module: string): Promise<boolean> => {
  const answer = await host.query({ argv: ['modinfo', module] });
  if (!answer.ran || answer.exitCode !== 0 || !/^vermagic:/m.test(answer.stdout)) return false;
  return !/^(?:signer|sig_id|signature):/m.test(answer.stdout);
};
