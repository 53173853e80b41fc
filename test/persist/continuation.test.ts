import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  type Continuation,
  continuationPath,
  continuationText,
  continuationUnit,
} from '../../src/persist/continuation.ts';

const folder = mkdtempSync(join(tmpdir(), 'sriovctl-continuation-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const usual: Continuation = {
  argv: [process.execPath, '/opt/sriovctl/sriovctl.mjs', 'setup', '--config=/dev/stdin'],
  input: '{"pfs":[{"pf":"enp1s0f0","vfs":4}]}',
  folder: '/root',
  environment: { HOME: '/root' },
  needs: ['/opt/sriovctl/sriovctl.mjs'],
};
const awkward: Continuation = {
  ...usual,
  argv: [process.execPath, '/opt/a b/$x "100%"\\', 'setup'],
  folder: '/root/50% off',
  environment: { KUBECONFIG: '/root/a "b" %h' },
};

describe('the unit that goes on after a reboot', () => {
  test('is gone before the run begins, and has all that the run reads', () => {
    const lines = continuationText(usual).split('\n');
    const removal = lines.findIndex((line) => line.startsWith('ExecStartPre=/bin/rm '));
    expect(lines[removal]).toContain(continuationPath);
    expect(lines[removal]).toContain(`multi-user.target.wants/${continuationUnit}`);
    expect(removal).toBeLessThan(lines.findIndex((line) => line.startsWith('ExecStart=')));
    const [, data = ''] =
      lines.find((line) => line.startsWith('StandardInputData='))?.split('Data=') ?? [];
    expect(Buffer.from(data, 'base64').toString()).toBe(usual.input);
  });

  test.runIf(spawnSync('systemd-analyze', ['--version']).status === 0).each([
    ['usual', usual],
    ['awkward', awkward],
  ])('is taken by systemd without a word (%s paths)', (_, continuation) => {
    const file = join(folder, continuationUnit);
    writeFileSync(file, continuationText(continuation));
    const { stderr, status } = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
      encoding: 'utf8',
    });
    expect(stderr.split('\n').filter((line) => line.includes(continuationUnit))).toEqual([]);
    expect(status).toBe(0);
  });
});
