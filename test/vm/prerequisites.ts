import path from 'node:path';
import { execa } from 'execa';
import { firmwareVariablesTemplate } from './qemu.ts';

/** Throws, with the way out, when this machine cannot build an image or run QEMU. */
export async function checkPrerequisites(): Promise<void> {
  const problems = [...(await missingPrograms()), ...(await qemuProblems()), ...firmwareProblems()];
  if (problems.length === 0) return;
  const installer = path.join(import.meta.dirname, 'install-prerequisites.sh');
  throw new Error(
    `The VM tests cannot run here: ${problems.join('; ')}. As root, ${path.relative(process.cwd(), installer)} installs what they need.`,
  );
}

const minimumQemu = [8, 2] as const;

const programs = [
  ...['qemu-img', 'mmdebstrap', 'mke2fs', 'sgdisk', 'mformat', 'mmd', 'mcopy'],
  ...['grub-mkstandalone', 'setpriv', 'truncate', 'tar'],
] as const;

async function missingPrograms(): Promise<string[]> {
  const searched = programs.map(async (program) => ((await isInstalled(program)) ? [] : [program]));
  return (await Promise.all(searched)).flat().map((program) => `${program} is missing`);
}

async function isInstalled(program: string): Promise<boolean> {
  return (await execa('which', [program], { reject: false })).exitCode === 0;
}

async function qemuProblems(): Promise<string[]> {
  const { stdout, failed } = await execa('qemu-system-x86_64', ['--version'], { reject: false });
  if (failed) return ['qemu-system-x86_64 is missing'];
  const [, major = '0', minor = '0'] = /version (\d+)\.(\d+)/.exec(stdout) ?? [];
  const [wantedMajor, wantedMinor] = minimumQemu;
  const isNewEnough =
    Number(major) > wantedMajor || (Number(major) === wantedMajor && Number(minor) >= wantedMinor);
  return isNewEnough ? [] : [`QEMU is ${major}.${minor}, not ${minimumQemu.join('.')} or newer`];
}

function firmwareProblems(): string[] {
  try {
    firmwareVariablesTemplate();
    return [];
  } catch {
    return ['the OVMF firmware is missing'];
  }
}
