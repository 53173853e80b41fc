import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fingerprintOf, readSource } from '../../src/driver-source/source.ts';
import type { HostPath } from '../../src/host.ts';
import { linuxHost } from '../../src/sysfs/linux-host.ts';
import { simulateHost } from '../../src/sysfs/simulated-host.ts';

const host = linuxHost();
const folder = mkdtempSync(join(tmpdir(), 'sriovctl-source-'));
const at = (name: string): HostPath => join(folder, name) as HostPath;
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

beforeAll(() => {
  mkdirSync(at('igbvf-1/src'), { recursive: true });
  writeFileSync(at('igbvf-1/Makefile'), 'all:\n\tmake -C src\n');
  writeFileSync(at('igbvf-1/src/Makefile'), 'obj-m := igbvf.o\nigbvf-y := ä b.o\n');
  writeFileSync(at('igbvf-1/src/ä b.c'), 'int x;\n');
  symlinkSync('../Makefile', at('igbvf-1/src/link'));
});

const tar = (...args: readonly string[]): void => {
  execFileSync('tar', ['-C', folder, ...args], { stdio: 'pipe' });
};
const digestOf = async (path: HostPath): Promise<string> => {
  const found = await readSource(host, path);
  if (found.state !== 'readable') throw new Error(JSON.stringify(found));
  return fingerprintOf(host, found.source);
};

describe('a source on this machine', () => {
  test('is read the same from a folder and from a tarball of it', async () => {
    tar('-czf', at('igbvf: 1.tar.gz'), 'igbvf-1');
    const kbuild = { folder: 'src', modules: ['igbvf'] };
    expect(await readSource(host, at('igbvf-1'))).toMatchObject({
      state: 'readable',
      source: { kind: 'folder', kbuild },
    });
    expect(await readSource(host, at('igbvf: 1.tar.gz'))).toMatchObject({
      state: 'readable',
      source: { kind: 'tarball', kbuild: { ...kbuild, folder: 'igbvf-1/src' } },
    });
  });

  test('is another one when a file has changed, and not for what a build has left', async () => {
    const before = await digestOf(at('igbvf-1'));
    writeFileSync(at('igbvf-1/src/igbvf.ko'), 'built');
    writeFileSync(at('igbvf-1/src/.igbvf.o.cmd'), 'built');
    expect(await digestOf(at('igbvf-1'))).toBe(before);
    writeFileSync(at('igbvf-1/src/ä b.c'), 'int y;\n');
    expect(await digestOf(at('igbvf-1'))).not.toBe(before);
  });

  test('that would be unpacked elsewhere, or is none, is told', async () => {
    for (const [option, says] of [
      ['--transform=s,^,/etc/,', 'absolute path'],
      ['--transform=s,^,../,', 'leads upwards'],
    ] as const) {
      tar('-P', option, '-cf', at('bad.tar'), 'igbvf-1/Makefile');
      const found = await readSource(host, at('bad.tar'));
      expect(found).toMatchObject({ state: 'unusable' });
      expect(JSON.stringify(found)).toContain(says);
    }
    writeFileSync(at('none.tar.gz'), 'no tarball');
    expect(await readSource(host, at('none.tar.gz'))).toMatchObject({ state: 'unusable' });
  });

  test('is unpacked in a rehearsal as far as a build is predicted from it', async () => {
    tar('-czf', at('igbvf.tgz'), 'igbvf-1');
    const simulated = simulateHost(host);
    const argv = ['tar', '--one-top-level=/var/lib/x', '-xf', at('igbvf.tgz')] as const;
    await simulated.perform({ kind: 'command', command: { argv } });
    const text = await simulated.fs.readText('/var/lib/x/igbvf-1/src/Makefile');
    expect(text).toContain('obj-m := igbvf.o');
    expect(await host.fs.stat('/var/lib/x')).toBeUndefined();
  });
});
