import type { Change } from '../change.ts';
import type { HostFs, HostPath } from '../host.ts';
import { findProgram } from '../sysfs/programs.ts';

/**
 * A boot takes the drivers of PFs from its initramfs, which keeps modules of its own: it is made again
 * when they have changed.
 */
export const planInitramfs = async (
  fs: HostFs,
  release: string,
  after: readonly HostPath[],
): Promise<readonly Change[]> => {
  for (const [name, options] of generators) {
    const program = await findProgram(fs, name);
    if (program === undefined) continue;
    const command = { argv: [program, ...options(release)], timeoutMs: 300_000 } as const;
    const reason = 'the next boot takes the driver of the PFs from its initramfs';
    return [{ action: { kind: 'regenerate', command, after }, reason }];
  }
  return [];
};

const generators: readonly (readonly [RegExp, (release: string) => readonly string[]])[] = [
  [/^update-initramfs$/, (release) => ['-u', '-k', release]],
  [/^dracut$/, (release) => ['--force', '--kver', release]],
];
