import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { repositoryRoot } from '../guest.ts';
import { scenario } from '../scenario.ts';

const test = scenario();
const fixture = path.join(repositoryRoot, 'fixtures/82576-qemu');
const card = 'sys/devices/pci0000:00/0000:00:03.0/0000:01:00.1';
let captured = '';

beforeAll(async () => {
  captured = await mkdtemp(path.join(tmpdir(), 'sriovctl-capture-'));
});

afterAll(async () => {
  await rm(captured, { recursive: true });
});

describe('the capture script makes a host tree of a real host', () => {
  test('with port 0 up, port 1 down, both drivers loaded and no VFs', async ({ guest }) => {
    const script = path.join(repositoryRoot, 'scripts/capture-fixture.mjs');
    await guest.writeText('/tmp/capture-fixture.mjs', await readFile(script, 'utf8'));
    await guest.sh('modprobe igbvf; ip link set enp1s0f0 up; udevadm settle');
    await guest.sh('until [ "$(cat /sys/class/net/enp1s0f0/carrier)" = 1 ]; do sleep 0.1; done');

    await guest.sh(
      'node /tmp/capture-fixture.mjs /tmp/tree && cd /tmp/tree && tar cf /mnt/share/tree.tar *',
    );
    await execa('tar', ['-C', captured, '-xf', path.join(guest.share, 'tree.tar')]);

    expect(await guest.sh('ls /sys/class/net')).toBe('enp1s0f0\nenp1s0f1\nlo');
  });

  test('that lspci reads like the real one', async ({ guest }) => {
    const onTree = 'lspci -A linux-sysfs -O sysfs.path=/tmp/tree/sys/bus/pci';

    expect(await guest.sh(`${onTree} -nn`)).toBe(await guest.sh('lspci -nn'));
  });

  test('with the errno of what cannot be read', async () => {
    const manifest = await readFile(path.join(captured, 'MANIFEST'), 'utf8');

    expect(manifest.split('\n')).toContain(`errno EINVAL read /${card}/net/enp1s0f1/speed`);
  });

  test('that has the same files as the fixture in the repository', async () => {
    if (process.env['SRIOVCTL_UPDATE_FIXTURES'] !== undefined) await replaceFixture();

    expect(await pathsBelow(captured)).toEqual(await pathsBelow(fixture));
  });
});

async function replaceFixture(): Promise<void> {
  await rm(fixture, { recursive: true, force: true });
  await execa('cp', ['-a', captured, fixture]);
}

/** Of the card: the rest of the machine differs a little from one release of the kernel and of QEMU to the next. */
async function pathsBelow(tree: string): Promise<string[]> {
  const entries = await readdir(path.join(tree, card), { recursive: true, withFileTypes: true });
  return entries
    .map((entry) => path.relative(tree, path.join(entry.parentPath, entry.name)))
    .sort();
}
