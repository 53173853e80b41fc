import { spawn } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HostPath } from '../../src/host.ts';
import { linuxHost } from '../../src/sysfs/linux-host.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sriovctl-host-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const at = (path: HostPath): string => join(root, path);

describe('a write to an attribute', () => {
  test.each(['/attribute', '/sriov_numvfs'] as const)(
    'of %s replaces what it reads',
    async (path) => {
      writeFileSync(at(path), '0');
      await linuxHost({ root }).perform({ kind: 'attribute', path, value: '4' });
      expect(readFileSync(at(path), 'utf8')).toBe('4');
    },
  );

  test.each(['/attribute', '/sriov_numvfs'] as const)(
    'that does not exist is ENOENT and makes no file (%s)',
    async (path) => {
      const write = linuxHost({ root }).perform({ kind: 'attribute', path, value: '4' });
      await expect(write).rejects.toMatchObject({ errno: 'ENOENT', subject: path });
      expect(readdirSync(root)).toEqual([]);
    },
  );

  test('that the kernel does not finish ends at its deadline', async () => {
    // A FIFO that nobody reads blocks its writer as a device lock does.
    await new Promise((resolve) => spawn('mkfifo', [at('/sriov_numvfs')]).on('exit', resolve));
    const write = linuxHost({ root, writeMs: 200 }).perform({
      kind: 'attribute',
      path: '/sriov_numvfs',
      value: '4',
    });
    await expect(write).rejects.toMatchObject({ errno: 'ETIMEDOUT' });
  });
});

describe('a file is replaced as a whole', () => {
  test('and keeps mode, and the link that leads to it', async () => {
    mkdirSync(at('/etc'));
    writeFileSync(at('/etc/real'), 'old');
    chmodSync(at('/etc/real'), 0o640);
    symlinkSync('real', at('/etc/link'));
    await linuxHost({ root }).perform({ kind: 'file', path: '/etc/link', content: 'new' });
    expect(lstatSync(at('/etc/link')).isSymbolicLink()).toBe(true);
    expect(readFileSync(at('/etc/real'), 'utf8')).toBe('new');
    expect(statSync(at('/etc/real')).mode & 0o777).toBe(0o640);
    expect(readdirSync(at('/etc')).sort()).toEqual(['link', 'real']);
  });

  test('with its missing folders', async () => {
    await linuxHost({ root }).perform({
      kind: 'file',
      path: '/etc/a/b',
      content: 'x',
      mode: 0o600,
    });
    expect(statSync(at('/etc/a/b')).mode & 0o777).toBe(0o600);
  });
});

describe('a read', () => {
  test('of nothing is undefined, and of another error a HostError', async () => {
    const { fs } = linuxHost({ root });
    expect(await fs.readText('/missing')).toBeUndefined();
    expect(await fs.readText('/missing/sriov_numvfs')).toBeUndefined();
    mkdirSync(at('/folder'));
    await expect(fs.readText('/folder')).rejects.toMatchObject({ errno: 'EISDIR' });
  });

  test('of a file that is not UTF-8 is refused, since it could not be written back', async () => {
    writeFileSync(at('/grub'), Buffer.from([0x58, 0xe9]));
    await expect(linuxHost({ root }).fs.readText('/grub')).rejects.toMatchObject({
      errno: 'EILSEQ',
    });
  });
});

test('a program that is not installed is no answer, and one that fails is an error when performed', async () => {
  const host = linuxHost({ root });
  expect(await host.query({ argv: ['no-such-program'] })).toEqual({
    ran: false,
    because: 'no-such-program is not installed',
  });
  const failing = host.perform({ kind: 'command', command: { argv: ['ls', '/no/such/folder'] } });
  await expect(failing).rejects.toMatchObject({ errno: 'EXIT' });
});

test('a generator that fails half-way leaves what it makes as it was', async () => {
  writeFileSync(at('/grub.cfg'), Buffer.from([0x6f, 0x6c, 0x64, 0xff]));
  chmodSync(at('/grub.cfg'), 0o600);
  const script = 'printf new >grub.cfg.new; printf half >grub.cfg; echo No space left >&2; exit 1';
  const generate = linuxHost({ root }).perform({
    kind: 'regenerate',
    command: { argv: ['sh', '-c', `cd "$1" && ${script}`, 'sh', root] },
    after: ['/grub'],
    generates: ['/grub.cfg', '/grub.cfg.new'],
  });
  await expect(generate).rejects.toThrow('No space left');
  expect(readdirSync(root)).toEqual(['grub.cfg']);
  expect(readFileSync(at('/grub.cfg'))).toEqual(Buffer.from([0x6f, 0x6c, 0x64, 0xff]));
  expect(statSync(at('/grub.cfg')).mode & 0o777).toBe(0o600);
});
