import type { CheckResult } from '../check.ts';
import type { HostFs, HostView } from '../host.ts';
import { packageWithBuildTools, packageWithHeaders } from '../sysfs/distribution.ts';
import { moduleHolders } from '../sysfs/module.ts';
import { installedModuleFile, isBuiltIn, signaturesRequired } from '../sysfs/module-state.ts';
import { findProgram } from '../sysfs/programs.ts';
import { type Build, planBuild } from './build.ts';
import {
  dkmsKey,
  dkmsSource,
  dkmsTree,
  installedPath,
  kernelBuild,
  modulesOfRelease,
} from './places.ts';
import { readRecord, type SourceRecord } from './record.ts';

const pass: CheckResult = { status: 'pass' };

/** What a build takes is of no interest once it has been made. */
export const unlessBuilt = async (
  host: HostView,
  build: Build,
  look: () => Promise<CheckResult>,
): Promise<CheckResult> =>
  (await planBuild(host, build, await readRecord(host.fs))).length === 0 ? pass : look();

/** Without headers nothing can be built, and those of another kernel are of no use. */
export const headersThere = async (fs: HostFs, { release }: Build): Promise<CheckResult> =>
  (await fs.stat(`${kernelBuild(release)}/Makefile`)) !== undefined
    ? pass
    : {
        status: 'fail',
        problem: `there are no headers of the running kernel (${kernelBuild(release)}/Makefile is missing)`,
        hint: await packageWithHeaders(fs),
      };

export const toolsThere = async (fs: HostFs): Promise<CheckResult> => {
  const missing: string[] = [];
  for (const [tool, name] of tools) {
    if ((await findProgram(fs, name)) === undefined) missing.push(tool);
  }
  return missing.length === 0
    ? pass
    : {
        status: 'fail',
        problem: `what builds a module is not installed: ${missing.join(', ')}`,
        hint: await packageWithBuildTools(fs),
      };
};

/** Kernels name their compiler with its version (gcc-14); a kernel that clang built wants clang. */
const tools: readonly (readonly [string, RegExp])[] = [
  ['make', /^make$/],
  ['a C compiler', /^(?:.*-)?(?:gcc|clang)(?:-\d+)?$/],
];

/** What is built but never loaded for this card would be no help. */
export const drivesPfs = (build: Build, wanted: ReadonlySet<string>): CheckResult =>
  build.modules.some((module) => wanted.has(module))
    ? pass
    : {
        status: 'fail',
        problem: `${build.source.path} builds ${build.modules.join(', ')}, which drives neither the PFs nor their VFs`,
        hint: `Give the source of ${[...wanted].join(' or ') || 'their driver'}.`,
      };

/** A module that the kernel would not load had better not be put in the place of one that it does. */
export const signatureAccepted = async (host: HostView, { dkms }: Build): Promise<CheckResult> => {
  const because = await signaturesRequired(host.fs);
  if (because === undefined) return pass;
  if (dkms !== undefined && (await isKeyTrusted(host))) return pass;
  return {
    status: 'fail',
    problem: `what is built here is not signed with a key that this machine trusts, and ${because}`,
    hint:
      dkms === undefined
        ? 'Let DKMS build and sign it (a dkms.conf in the source, and its key enrolled), switch Secure Boot off, or install a signed driver.'
        : `Enroll the key that DKMS signs with (mokutil --import ${dkmsKey}) and reboot, or switch Secure Boot off.`,
  };
};

const isKeyTrusted = async (host: HostView): Promise<boolean> => {
  if ((await host.fs.stat(dkmsKey)) === undefined) return false;
  const answer = await host.query({ argv: ['mokutil', '--test-key', dkmsKey] });
  return answer.ran && /already enrolled/.test(`${answer.stdout}${answer.stderr}`);
};

/** One that is built in, or that somebody else has installed, is not ours to replace. */
export const placesFree = async (
  fs: HostFs,
  build: Build,
  record: SourceRecord | undefined,
): Promise<CheckResult> => {
  const ours = new Set(record?.modules.map(({ name }) => name));
  for (const module of build.modules) {
    if (await isBuiltIn(fs, module)) return builtIn(module);
    const file = await installedModuleFile(fs, module);
    const place = installedPath(build.release, module);
    const foreign =
      file === undefined || file.startsWith('kernel/')
        ? (await fs.stat(place)) === undefined
          ? undefined
          : place
        : `${modulesOfRelease(build.release)}/${file}`;
    if (foreign !== undefined && !ours.has(module)) return installedByOthers(module, foreign);
  }
  const { dkms } = build;
  if (dkms !== undefined && record?.dkms?.name !== dkms.name) {
    for (const place of [dkmsTree(dkms.name), dkmsSource(dkms)]) {
      if ((await fs.stat(place)) !== undefined) return installedByOthers(dkms.name, place);
    }
  }
  return pass;
};

const builtIn = (module: string): CheckResult => ({
  status: 'fail',
  problem: `${module} is built into the running kernel: no other can be loaded in its place`,
  hint: 'Boot a kernel that has it as a module.',
});

const installedByOthers = (name: string, place: string): CheckResult => ({
  status: 'fail',
  problem: `somebody else has installed ${name} already: ${place}`,
  hint: 'Remove it the way it was installed (a package, DKMS, `make install`), and run this again.',
});

/** What an earlier run built of another source would stay behind. */
export const sameAsBefore = (build: Build, record: SourceRecord | undefined): CheckResult => {
  if (record === undefined) return pass;
  const before = record.modules.map(({ name }) => name).sort();
  const same =
    before.join() === [...build.modules].sort().join() && record.dkms?.name === build.dkms?.name;
  return same
    ? pass
    : {
        status: 'fail',
        problem: `${before.join(', ')} built from ${record.source} is installed`,
        hint: 'Take it out first: `sriovctl teardown --only driver-source`.',
      };
};

/** modprobe(8) unloads a module only when no other needs it. */
export const notNeededByOthers = async (
  fs: HostFs,
  modules: readonly string[],
): Promise<CheckResult> => {
  for (const module of modules) {
    const holders = (await moduleHolders(fs, module)).filter((name) => !modules.includes(name));
    if (holders.length === 0) continue;
    return {
      status: 'fail',
      problem: `${module} cannot be unloaded: ${holders.join(', ')} needs it`,
      hint: `End what uses ${holders.join(', ')} and unload it: \`modprobe -r ${holders.join(' ')}\`.`,
    };
  }
  return pass;
};
