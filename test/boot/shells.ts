import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';

/** The shells of this machine that may stand behind /bin/sh. */
export const shells: readonly string[] = ['dash', 'bash'].filter(
  (shell) => spawnSync(shell, ['-c', ':']).status === 0,
);

/** A folder for the files that shells are given, gone at the end of the tests. */
export const scratchFolder = (): ((name: string, text: string) => string) => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sriovctl-shell-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  return (name, text) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };
};

/** What a shell makes of variables after sourcing files with `set -e`, as grub-mkconfig does; `undefined` if it fails. */
export const sourcedValues = (
  shell: string,
  files: readonly string[],
  names: readonly string[],
): readonly string[] | undefined => {
  const script = `set -e
for file do . "$file"; done
printf '%s\\0' ${names.map((name) => `"$${name}"`).join(' ')}`;
  const options = shell === 'bash' ? ['--norc', '--posix'] : [];
  const result = spawnSync(shell, [...options, '-c', script, shell, ...files], {
    env: { LC_ALL: 'C.UTF-8' },
    encoding: 'utf8',
    cwd: '/',
  });
  return result.status === 0 ? result.stdout.split('\0').slice(0, -1) : undefined;
};

/** Whether a shell accepts a file's syntax. */
export const parses = (shell: string, file: string): boolean =>
  spawnSync(shell, ['-n', file]).status === 0;
