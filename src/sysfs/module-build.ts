import type { HostFs, HostPath, HostView } from '../host.ts';
import { moduleFolder } from './paths.ts';
import { readAttribute } from './read.ts';

/** What tells one build of a module from another. */
export interface ModuleBuild {
  /** A digest of its source, where the kernel or the module asks for one. */
  readonly srcversion?: string;
  readonly version?: string;
}

/** A module's file as modinfo(8) sees it, with the kernel it was built for; `undefined` without one. */
export const readModuleFile = async (
  host: HostView,
  file: HostPath,
): Promise<(ModuleBuild & { readonly release: string }) | undefined> => {
  if ((await host.fs.stat(file)) === undefined) return undefined;
  const answer = await host.query({ argv: ['modinfo', file] });
  if (!answer.ran || answer.exitCode !== 0) return undefined;
  const field = (name: string): string | undefined =>
    new RegExp(`^${name}:\\s+(\\S.*)$`, 'm').exec(answer.stdout)?.[1];
  const release = field('vermagic')?.split(' ')[0];
  return release === undefined
    ? undefined
    : { release, ...buildOf(field('srcversion'), field('version')) };
};

/** The module that is loaded under a name; `undefined` if there is none. */
export const readLoadedModule = async (
  fs: HostFs,
  module: string,
): Promise<ModuleBuild | undefined> => {
  const folder = moduleFolder(module);
  // One that is built in has neither.
  if ((await fs.stat(`${folder}/initstate`)) === undefined) return undefined;
  return buildOf(
    await readAttribute(fs, `${folder}/srcversion`),
    await readAttribute(fs, `${folder}/version`),
  );
};

/** The digest decides where both have one. */
export const isSameBuild = (a: ModuleBuild | undefined, b: ModuleBuild | undefined): boolean => {
  if (a === undefined || b === undefined) return false;
  return a.srcversion === undefined && b.srcversion === undefined
    ? a.version !== undefined && a.version === b.version
    : a.srcversion === b.srcversion;
};

const buildOf = (srcversion: string | undefined, version: string | undefined): ModuleBuild => ({
  ...(srcversion !== undefined && { srcversion }),
  ...(version !== undefined && { version }),
});
