import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { HostFs, HostPath } from '../../src/host.ts';
import { exportTree } from '../../src/sysfs/export-tree.ts';
import { Overlay } from '../../src/sysfs/overlay.ts';
import { treeFs } from '../../src/sysfs/tree-fs.ts';

const demo = 'fixtures/i350-t2';
const pf = '/sys/bus/pci/devices/0000:01:00.0';
const real = '/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0';

const over = (): Overlay => new Overlay(treeFs(demo));

/** Every path with what is there. */
const everything = async (fs: HostFs): Promise<ReadonlyMap<string, string>> => {
  const found = new Map<string, string>();
  const look = async (path: HostPath): Promise<void> => {
    const stat = await fs.stat(path);
    if (stat === undefined) return;
    const mode = stat.mode.toString(8);
    if (stat.kind === 'link') found.set(path, (await fs.readLink(path)) ?? '');
    else if (stat.kind === 'file') found.set(path, `${mode} ${await contentOf(fs, path)}`);
    else {
      found.set(path, mode);
      for (const name of (await fs.list(path)) ?? []) await look(join(path, name) as HostPath);
    }
  };
  await look('/');
  return found;
};

const contentOf = (fs: HostFs, path: HostPath): Promise<string> =>
  fs.readText(path).then(
    (text) => text ?? 'nothing',
    (error: unknown) => String(error),
  );

describe('a copy-on-write view', () => {
  test('shows the base until something is changed, and leaves it as it is', async () => {
    const fs = over();
    expect(await everything(fs)).toEqual(await everything(treeFs(demo)));

    await fs.writeFile(`${pf}/driver_override`, 'vfio-pci\n');
    await fs.remove('/etc/default/grub');

    expect(await fs.readText(`${real}/driver_override`)).toBe('vfio-pci\n');
    expect(await fs.readText('/etc/default/grub')).toBeUndefined();
    expect(readFileSync(`${demo}${real}/driver_override`, 'utf8')).toBe('(null)\n');
    expect(await treeFs(demo).readText('/etc/default/grub')).toContain('GRUB_DEFAULT');
    expect(fs.changes()).toEqual([`${real}/driver_override`, '/etc/default/grub']);
  });

  test('keeps mode and owner of a file that is written, unless given', async () => {
    const fs = over();
    await fs.writeFile(`${pf}/vendor`, '0x1234\n');
    await fs.writeFile('/etc/new', 'x', { mode: 0o600, uid: 7, gid: 8 });
    await fs.writeFile('/etc/new', 'y');

    expect(await fs.stat(`${pf}/vendor`)).toMatchObject({ mode: 0o444, uid: 0 });
    expect(await fs.stat('/etc/new')).toEqual({ kind: 'file', mode: 0o600, uid: 7, gid: 8 });
  });

  test('follows its own links into the base, and those of the base into what is new', async () => {
    const fs = over();
    await fs.plant('/sys/devices/new', {
      folder: { name: 'n\n', pf: { link: `../..${real.slice(4)}` } },
    });
    await fs.setLink('/sys/bus/pci/devices/new', '../../../devices/new');
    await fs.plant(`${pf}/virtfn0`, { link: '../0000:02:10.0' });
    await fs.plant('/sys/devices/pci0000:00/0000:00:01.0/0000:02:10.0', {
      folder: { device: '0x1520\n' },
    });

    expect(await fs.list('/sys/bus/pci/devices')).toContain('new');
    expect(await fs.readText('/sys/bus/pci/devices/new/name')).toBe('n\n');
    expect(await fs.readText(`${pf}/virtfn0/device`)).toBe('0x1520\n');
  });

  test('hides what a folder held that was removed and made again', async () => {
    const fs = over();
    await fs.remove('/etc/default');
    expect(await fs.list('/etc')).not.toContain('default');
    await fs.mkdir('/etc/default');

    expect(await fs.list('/etc/default')).toEqual([]);
    expect(await fs.readText('/etc/default/grub')).toBeUndefined();
  });

  test('gives new folders their parents, and a file its new place', async () => {
    const fs = over();
    await fs.plant('/run/a/b/c', 'text');
    await fs.rename('/run/a/b/c', '/run/a/d');

    expect(await fs.list('/run/a/b')).toEqual([]);
    expect(await fs.readText('/run/a/d')).toBe('text');
    await expect(fs.rename('/etc/hostname', '/etc/name')).rejects.toMatchObject({ errno: 'EXDEV' });
  });

  test('answers wrong questions with the errno of the real thing', async () => {
    const fs = over();
    await fs.plant('/sys/new', {
      folder: {
        file: 'x',
        sealed: { content: '', mode: 0o200 },
        down: { content: '', readErrno: 'EINVAL' },
      },
    });

    await expect(fs.readText('/sys/new')).rejects.toMatchObject({ errno: 'EISDIR' });
    await expect(fs.readText('/sys/new/sealed')).rejects.toMatchObject({ errno: 'EACCES' });
    await expect(fs.readText('/sys/new/down')).rejects.toMatchObject({ errno: 'EINVAL' });
    await expect(fs.readText('/sys/new/file/x')).rejects.toMatchObject({ errno: 'ENOTDIR' });
    await expect(fs.list('/sys/new/file')).rejects.toMatchObject({ errno: 'ENOTDIR' });
    await expect(fs.readLink('/sys/new/file')).rejects.toMatchObject({ errno: 'EINVAL' });
    await expect(fs.writeFile('/no/folder/file', '')).rejects.toMatchObject({ errno: 'ENOENT' });
    await expect(fs.writeFile('/etc', '')).rejects.toMatchObject({ errno: 'EISDIR' });
  });

  test('can be the base of another', async () => {
    const lower = over();
    await lower.remove('/etc/hostname');
    await lower.plant('/etc/lower', 'lower');
    const upper = new Overlay(lower);
    await upper.writeFile('/etc/lower', 'upper');
    await upper.plant('/etc/hostname', 'upper');

    expect(await upper.readText('/etc/lower')).toBe('upper');
    expect(await lower.readText('/etc/lower')).toBe('lower');
    expect(await lower.readText('/etc/hostname')).toBeUndefined();
  });
});

describe('an exported tree', () => {
  const made: string[] = [];
  const folder = (): string => {
    const path = mkdtempSync(join(tmpdir(), 'sriovctl-export-'));
    made.push(path);
    return path;
  };
  afterEach(() => {
    for (const path of made.splice(0)) rmSync(path, { recursive: true });
  });

  test('reads like what was exported: modes, links, empty folders and errnos too', async () => {
    const fs = over();
    await fs.writeFile(`${pf}/sriov_numvfs`, '4\n');
    await fs.plant(`${pf}/secret`, { content: '', mode: 0o200 });
    await fs.plant(`${pf}/wrong`, { content: '', readErrno: 'EIO' });
    await fs.mkdir('/run/empty');
    await fs.remove('/proc/net');
    const dir = folder();
    await exportTree(fs, dir);

    expect(await everything(treeFs(dir))).toEqual(await everything(fs));
  });

  test('keeps the bytes of what is no text', async () => {
    const dir = folder();
    await exportTree(over(), dir);

    expect(readFileSync(`${dir}${real}/config`)).toEqual(readFileSync(`${demo}${real}/config`));
  });

  test('is the same when it is exported again', async () => {
    const [once, twice] = [folder(), folder()];
    await exportTree(over(), once);
    await exportTree(treeFs(once), twice);

    expect(readFileSync(`${twice}/MANIFEST`, 'utf8')).toBe(
      readFileSync(`${once}/MANIFEST`, 'utf8'),
    );
  });

  test('does not go where something is already', async () => {
    await expect(exportTree(over(), demo)).rejects.toMatchObject({ exit: 'usage' });
  });
});
