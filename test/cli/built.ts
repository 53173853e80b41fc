import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, type Options } from 'execa';

export const root = join(import.meta.dirname, '../..');
export const demo = 'fixtures/i350-t2';
export const onDemo = ['--simulate', demo, '--no-kube'] as const;

/** The built program as a child process, as a user starts it. */
export const sriovctl = (...args: readonly string[]) => sriovctlWith({}, ...args);

export interface Answer {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export const sriovctlWith = async (
  options: Pick<Options, 'env' | 'input' | 'cwd'>,
  ...args: readonly string[]
): Promise<Answer> => {
  const program = [join(root, 'dist/sriovctl.mjs'), ...args];
  const { exitCode, stdout, stderr } = await execa(process.execPath, program, {
    cwd: root,
    reject: false,
    ...options,
  });
  return { exitCode, stdout: stdout, stderr: stderr };
};

/** A folder of its own for one test file. */
export const temporaryFolder = (): { readonly path: string; readonly remove: () => void } => {
  const path = mkdtempSync(join(tmpdir(), 'sriovctl-cli-'));
  return {
    path,
    remove: () => {
      rmSync(path, { recursive: true, force: true });
    },
  };
};
