import { spawnSync } from 'node:child_process';

/** Whether a program can be started here; tests that need it are skipped visibly otherwise. */
export const installed = (program: string): boolean =>
  spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
