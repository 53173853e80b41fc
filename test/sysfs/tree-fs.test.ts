import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { SriovctlError } from '../../src/errors.ts';
import { treeFs, treeView } from '../../src/sysfs/tree-fs.ts';

const folders: string[] = [];

/** A tree of the given files (text) and links (`-> target`) in a folder of its own. */
const treeOf = (entries: Readonly<Record<string, string>>): string => {
  const top = mkdtempSync(join(tmpdir(), 'sriovctl-tree-'));
  folders.push(top);
  mkdirSync(join(top, 'sys'));
  for (const [path, content] of Object.entries(entries)) {
    const place = join(top, path);
    mkdirSync(dirname(place), { recursive: true });
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), place);
    else writeFileSync(place, content);
  }
  return top;
};

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

describe('a captured tree', () => {
  test('is read below its folder, and what is not there is undefined', async () => {
    const fs = treeFs(treeOf({ 'sys/devices/a/vendor': '0x8086\n' }));

    expect(await fs.readText('/sys/devices/a/vendor')).toBe('0x8086\n');
    expect(await fs.readText('/sys/devices/a/device')).toBeUndefined();
    expect(await fs.list('/sys/devices/b')).toBeUndefined();
    expect(await fs.readLink('/sys/devices/b')).toBeUndefined();
    expect(await fs.stat('/sys/devices/b/c')).toBeUndefined();
  });

  test('follows links in every part of a path', async () => {
    const fs = treeFs(
      treeOf({
        'sys/devices/pci0/0000:01:00.0/vendor': '0x8086\n',
        'sys/devices/pci0/0000:01:00.0/virtfn0': '-> ../0000:01:10.0',
        'sys/devices/pci0/0000:01:10.0/device': '0x10ca\n',
        'sys/bus/pci/devices/0000:01:00.0': '-> ../../../devices/pci0/0000:01:00.0',
      }),
    );

    const pf = '/sys/bus/pci/devices/0000:01:00.0';
    expect(await fs.readText(`${pf}/virtfn0/device`)).toBe('0x10ca\n');
    expect(await fs.readText(`${pf}/virtfn0/../0000:01:00.0/vendor`)).toBe('0x8086\n');
    expect(await fs.readLink(`${pf}/virtfn0`)).toBe('../0000:01:10.0');
    expect(await fs.stat(`${pf}/virtfn0`)).toMatchObject({ kind: 'link' });
    expect(await fs.list(pf)).toEqual(expect.arrayContaining(['vendor', 'virtfn0']));
  });

  test('ends at its folder, whatever links and dots say', async () => {
    const outside = treeOf({ secret: 'secret' });
    const fs = treeFs(
      treeOf({
        'etc/hostname': 'inside\n',
        'sys/absolute': '-> /etc/hostname',
        'sys/upwards': '-> ../../../../../../etc/hostname',
        'sys/outside': `-> ${outside}/secret`,
        'sys/folder': `-> ${outside}`,
        'sys/passwd': '-> /etc/passwd',
      }),
    );

    expect(await fs.readText('/sys/absolute')).toBe('inside\n');
    expect(await fs.readText('/sys/upwards')).toBe('inside\n');
    expect(await fs.readText('/../../etc/hostname')).toBe('inside\n');
    expect(await fs.readText('/sys/outside')).toBeUndefined();
    expect(await fs.readText('/sys/folder/secret')).toBeUndefined();
    expect(await fs.list('/sys/folder')).toBeUndefined();
    expect(await fs.readText('/sys/passwd')).toBeUndefined();
    expect(await fs.readText('/etc/passwd')).toBeUndefined();
  });

  test('holds no pipes or devices', async () => {
    const top = treeOf({});
    execFileSync('mkfifo', [join(top, 'sys/pipe')]);

    expect(await treeFs(top).readText('/sys/pipe')).toBeUndefined();
  });

  test('answers with the errno of the real thing', async () => {
    const fs = treeFs(treeOf({ 'sys/a/file': 'x', 'sys/loop': '-> loop', 'sys/binary': '' }));

    await expect(fs.readText('/sys/a')).rejects.toMatchObject({ errno: 'EISDIR' });
    await expect(fs.list('/sys/a/file')).rejects.toMatchObject({ errno: 'ENOTDIR' });
    await expect(fs.readText('/sys/a/file/b')).rejects.toMatchObject({ errno: 'ENOTDIR' });
    await expect(fs.readLink('/sys/a/file')).rejects.toMatchObject({ errno: 'EINVAL' });
    await expect(fs.readText('/sys/loop')).rejects.toMatchObject({ errno: 'ELOOP' });
  });
});

describe('the MANIFEST of a tree', () => {
  const tree = {
    'sys/a/speed': '',
    'sys/a/vanished': '',
    'sys/a/bind': '',
    'sys/a/vendor': '0x8086\n',
    'etc/shadow': 'x',
    MANIFEST: [
      '# a comment',
      'dir /sys/a/net',
      'dir /run/systemd/system',
      'mode 444 /sys/a/vendor',
      'mode 200 /sys/a/bind',
      'mode 000 /etc/shadow',
      'errno EINVAL read /sys/a/speed',
      'errno ENODEV read /sys/a/vanished',
      'errno ENOTSUP write /sys/a/vendor',
      '',
    ].join('\n'),
  };

  test('adds folders that are empty', async () => {
    const fs = treeFs(treeOf(tree));

    expect(await fs.list('/sys/a/net')).toEqual([]);
    expect(await fs.list('/sys/a')).toContain('net');
    expect(await fs.list('/run')).toEqual(['systemd']);
    expect(await fs.stat('/run/systemd')).toMatchObject({ kind: 'directory', mode: 0o755 });
    expect([...((await fs.list('/')) ?? [])].sort()).toEqual(['etc', 'run', 'sys']);
    await expect(fs.readText('/run/systemd')).rejects.toMatchObject({ errno: 'EISDIR' });
  });

  test('says modes and owners, which a checkout does not keep', async () => {
    const fs = treeFs(treeOf(tree));
    const owner = { uid: 0, gid: 0 };

    expect(await fs.stat('/sys/a/vendor')).toEqual({ kind: 'file', mode: 0o444, ...owner });
    expect(await fs.stat('/sys/a/speed')).toEqual({ kind: 'file', mode: 0o644, ...owner });
  });

  test('says what cannot be read, or written', async () => {
    const fs = treeFs(treeOf(tree));

    await expect(fs.readText('/sys/a/speed')).rejects.toMatchObject({ errno: 'EINVAL' });
    await expect(fs.readText('/sys/a/bind')).rejects.toMatchObject({ errno: 'EACCES' });
    expect(await fs.readText('/sys/a/vanished')).toBeUndefined();
    expect(await fs.readText('/etc/shadow')).toBe('x');
    expect(await fs.writeErrno('/sys/a/vendor')).toBe('EOPNOTSUPP');
    expect(await fs.writeErrno('/sys/a/speed')).toBeUndefined();
  });

  test('is refused with the line that makes no sense', () => {
    const broken = treeOf({ ...tree, MANIFEST: 'dir /sys\nmode rwx /sys/a/bind\n' });

    expect(() => treeFs(broken)).toThrow(/MANIFEST, line 2: .*rwx/);
  });
});

describe('--simulate', () => {
  test('refuses a folder that is not there, and one that is no host tree', () => {
    const hollow = treeOf({});
    rmSync(join(hollow, 'sys'), { recursive: true });

    expect(() => treeFs('/no/such/folder')).toThrow(/there is no such folder/);
    expect(() => treeFs(hollow)).toThrow(/has no sys folder/);
    expect(() => treeFs(hollow)).toThrow(SriovctlError);
    expect(() => treeFs(hollow)).toThrow(expect.objectContaining({ exit: 'usage' }));
  });

  test('starts no program', async () => {
    const view = treeView(treeOf({}));

    expect(await view.query({ argv: ['/usr/bin/lspci', '-nn'] })).toEqual({
      ran: false,
      because: 'the captured tree has no recording of lspci',
    });
  });
});
