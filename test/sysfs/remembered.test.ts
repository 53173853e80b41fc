import { expect, test } from 'vitest';
import { HostError } from '../../src/errors.ts';
import type { HostView } from '../../src/host.ts';
import { rememberedView } from '../../src/sysfs/remembered.ts';
import { treeView } from '../../src/sysfs/tree-fs.ts';

/** A captured host that tells what it is asked. */
const counted = () => {
  const tree = treeView('fixtures/i350-t2');
  const asked: string[] = [];
  const view: HostView = {
    fs: {
      readText: async (path) => {
        asked.push(`text ${path}`);
        if (path === '/sys/broken') throw new HostError('EIO', path, 'read');
        return tree.fs.readText(path);
      },
      readLink: async (path) => {
        asked.push(`link ${path}`);
        return tree.fs.readLink(path);
      },
      list: (path) => tree.fs.list(path),
      stat: (path) => tree.fs.stat(path),
    },
    query: async ({ argv, stdin }) => {
      asked.push(`${argv.join(' ')} <${stdin ?? ''}`);
      return { ran: true, exitCode: 0, stdout: String(asked.length), stderr: '' };
    },
  };
  return { view, asked };
};

test('looks at each thing once, and says the same each time', async () => {
  const { view, asked } = counted();
  const { fs } = rememberedView(view);
  const path = '/sys/bus/pci/devices/0000:01:00.0/sriov_totalvfs';
  expect([await fs.readText(path), await fs.readText(path)]).toEqual(['7\n', '7\n']);
  expect(await fs.readLink('/sys/bus/pci/devices/0000:01:00.0')).toContain('0000:01:00.0');
  expect(await fs.readText('/sys/none')).toBeUndefined();
  expect(await fs.readText('/sys/none')).toBeUndefined();
  expect(asked).toEqual([
    `text ${path}`,
    'link /sys/bus/pci/devices/0000:01:00.0',
    'text /sys/none',
  ]);
});

test('an error is remembered too', async () => {
  const { view, asked } = counted();
  const { fs } = rememberedView(view);
  await expect(fs.readText('/sys/broken')).rejects.toMatchObject({ errno: 'EIO' });
  await expect(fs.readText('/sys/broken')).rejects.toMatchObject({ errno: 'EIO' });
  expect(asked).toHaveLength(1);
});

test('a command is run once for each input', async () => {
  const { view, asked } = counted();
  const remembered = rememberedView(view);
  const argv = ['kubectl', 'diff'] as const;
  const first = await remembered.query({ argv, stdin: 'a' });
  expect(await remembered.query({ argv, stdin: 'a' })).toBe(first);
  expect(await remembered.query({ argv, stdin: 'b' })).not.toEqual(first);
  expect(asked).toEqual(['kubectl diff <a', 'kubectl diff <b']);
});
