import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { CommandResult, HostView, KubeObject } from '../../src/host.ts';
import { exportTree } from '../../src/sysfs/export-tree.ts';
import { ipLinkCommand, queryLinks } from '../../src/sysfs/ip-link.ts';
import { lspciCommand, parseLspci } from '../../src/sysfs/lspci.ts';
import { type SimulatedHost, simulateHost } from '../../src/sysfs/simulated-host.ts';
import { treeFs, treeView } from '../../src/sysfs/tree-fs.ts';
import { i350, pf, vfAddresses, write } from './i350.ts';

const folders: string[] = [];
const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'sriovctl-sim-'));
  folders.push(path);
  return path;
};
afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true });
});

const printed = (stdout: string): CommandResult => ({ ran: true, exitCode: 0, stdout, stderr: '' });
const textOf = async (host: HostView, ...argv: [string, ...string[]]): Promise<string> => {
  const answer = await host.query({ argv });
  return answer.ran ? answer.stdout : answer.because;
};

describe('a simulated host', () => {
  test('leaves its base as it is, and is a base itself', async () => {
    const lower = await i350();
    const upper = simulateHost(lower);
    await write(upper, `${pf}/sriov_numvfs`, '4');
    expect(await vfAddresses(upper)).toHaveLength(4);
    expect(await vfAddresses(lower)).toEqual([]);

    await write(lower, `${pf}/sriov_numvfs`, '2');
    const after = simulateHost(lower);
    await after.wait(1_000);
    await expect(write(after, `${pf}/sriov_numvfs`, '3')).rejects.toMatchObject({ errno: 'EBUSY' });
    await write(after, `${pf}/sriov_numvfs`, '0');
    expect(await vfAddresses(lower)).toHaveLength(2);
  });

  test('has its own time, which passes at once', async () => {
    const host = await i350();
    const began = performance.now();
    await host.wait(3_600_000);

    expect(host.now()).toBe(3_600_000);
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  test('goes on from an exported tree as if nothing had happened', async () => {
    const host = await i350();
    await write(host, `${pf}/sriov_numvfs`, '4');
    await host.wait(1_000);
    const dir = folder();
    await exportTree(host.fs, dir);
    const again = simulateHost(treeView(dir));

    expect(await vfAddresses(again)).toEqual(await vfAddresses(host));
    await write(again, `${pf}/sriov_numvfs`, '4');
    await write(again, `${pf}/sriov_numvfs`, '0');
    expect(await again.fs.list('/sys/class/net')).toEqual(
      expect.not.arrayContaining(['enp1s0f0v0']),
    );
    expect(await again.fs.readText(`${pf}/net/enp1s0f0/address`)).toBe('a0:36:9f:8c:1d:44\n');
  });

  test('replaces files as a whole: parents are made, mode and owner are kept', async () => {
    const host = await i350();
    const file = { kind: 'file', content: 'x\n' } as const;
    await host.perform({ ...file, path: '/etc/sriovctl/new/file', mode: 0o600 });
    await host.perform({ ...file, path: '/etc/sriovctl/new/file', content: 'y\n' });
    await host.perform({ ...file, path: '/etc/owned', owner: { uid: 5, gid: 6 } });

    expect(await host.fs.readText('/etc/sriovctl/new/file')).toBe('y\n');
    expect(await host.fs.stat('/etc/sriovctl/new/file')).toMatchObject({ mode: 0o600 });
    expect(await host.fs.stat('/etc/owned')).toMatchObject({ mode: 0o644, uid: 5, gid: 6 });
    await expect(host.perform({ kind: 'remove', path: '/etc/sriovctl' })).rejects.toMatchObject({
      errno: 'ENOTEMPTY',
    });
    for (const path of ['/etc/sriovctl/new/file', '/etc/sriovctl/new', '/etc/never'] as const) {
      await host.perform({ kind: 'remove', path });
    }
    expect(await host.fs.list('/etc/sriovctl')).toEqual([]);
  });

  test('fails to load a module that is not installed, and to set up a netdev that is not there', async () => {
    const host = await i350();

    await expect(host.perform({ kind: 'module', module: 'nonesuch' })).rejects.toMatchObject({
      errno: 'EXIT',
      subject: 'modprobe -- nonesuch',
      message: expect.stringContaining('Module nonesuch not found') as string,
    });
    await expect(host.perform({ kind: 'link', netdev: 'eth9', up: true })).rejects.toMatchObject({
      errno: 'EXIT',
      message: expect.stringContaining('Cannot find device "eth9"') as string,
    });
  });

  test('loads a module with what it needs', async () => {
    const host = await i350({}, ['vfio-pci']);

    expect(await host.fs.list('/sys/module')).toEqual(
      expect.arrayContaining(['vfio', 'vfio_pci', 'vfio_pci_core', 'irqbypass']),
    );
    expect(await host.fs.readText('/proc/modules')).toMatch(/^vfio_pci .*\n(?:.*\n)*vfio /);
    expect(await host.fs.list('/sys/bus/pci/drivers')).toContain('vfio-pci');
  });

  test('cannot write where its tree says so', async () => {
    const dir = folder();
    const source = await i350();
    await exportTree(source.fs, dir);
    const real = treeFs(dir);
    const place = '/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/sriov_numvfs';
    expect(await real.readText(place)).toBe('0\n');
    execFileSync('sh', ['-c', `echo "errno EROFS write ${place}" >>${dir}/MANIFEST`]);

    await expect(
      write(simulateHost(treeView(dir)), `${pf}/sriov_numvfs`, '1'),
    ).rejects.toMatchObject({ errno: 'EROFS' });
  });
});

describe('commands on a simulated host', () => {
  const command = { argv: ['update-thing', '--all'] } as const;

  test('without a model are taken to succeed, and are told of', async () => {
    const host = await i350();
    await host.perform({ kind: 'command', command });
    await host.perform({ kind: 'regenerate', command, after: ['/etc/hostname'] });

    expect(host.unmodelled).toEqual([command, command]);
  });

  test('with a model do what it says', async () => {
    const host = await i350({
      models: {
        'update-thing': async (_, fs) => {
          const content = `from ${(await fs.readText('/etc/hostname')) ?? ''}`;
          return [{ kind: 'file', path: '/etc/thing', content }];
        },
        failing: async () => ({ ran: true, exitCode: 3, stdout: '', stderr: 'no\n' }),
        missing: async () => ({ ran: false, because: 'missing is not installed' }),
        asked: async () => printed('answer'),
      },
    });
    await host.perform({ kind: 'regenerate', command, after: ['/etc/hostname'] });

    expect(await host.fs.readText('/etc/thing')).toBe('from worker-1\n');
    expect(host.unmodelled).toEqual([]);
    const perform = (program: string) =>
      host.perform({ kind: 'command', command: { argv: [`/usr/bin/${program}`, '-x'] } });
    await expect(perform('failing')).rejects.toMatchObject({
      errno: 'EXIT',
      subject: '/usr/bin/failing -x',
      message: expect.stringContaining('exit code 3: no') as string,
    });
    await expect(perform('missing')).rejects.toMatchObject({ errno: 'ENOENT' });
    expect(await textOf(host, 'asked')).toBe('answer');
  });

  test('that apply an object go to the cluster that was given', async () => {
    const applied: KubeObject[] = [];
    const cluster = {
      apply: async ({ object }: { readonly object: KubeObject }) => {
        applied.push(object);
      },
      query: async () => printed(`${applied.length} objects`),
    };
    const object: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } };
    const action = { kind: 'object', object, command: { argv: ['kubectl', 'apply'] } } as const;
    const host = await i350({ cluster: () => cluster });
    await host.perform(action);
    expect(await textOf(host, 'kubectl', 'get')).toBe('1 objects');

    const without = await i350();
    await without.perform(action);
    expect(without.unmodelled).toEqual([action.command]);
    expect(await textOf(without, 'kubectl', 'get')).toContain('no recording of kubectl');
  });

  test('that only ask go to the host below when there is no model', async () => {
    const base = treeView('fixtures/i350-t2');
    const below: HostView = { ...base, query: async ({ argv }) => printed(argv.join(' ')) };

    expect(await textOf(simulateHost(below), 'ethtool', 'enp1s0f0')).toBe('ethtool enp1s0f0');
  });

  test('udevadm settle ends when udev has named everything', async () => {
    const host = await i350();
    await write(host, `${pf}/sriov_numvfs`, '4');
    await host.query({ argv: ['udevadm', 'settle', '--timeout=30'] });

    expect(await host.fs.list(`${pf}/virtfn3/net`)).toEqual(['enp1s0f0v3']);
  });
});

describe('what programs would print', () => {
  const withVfs = async (): Promise<SimulatedHost> => {
    const host = await i350();
    await write(host, `${pf}/sriov_numvfs`, '2');
    await host.wait(1_000);
    return host;
  };

  test('lspci shows the VFs with driver and module', async () => {
    const host = await withVfs();
    const records = parseLspci(await textOf(host, ...lspciCommand.argv));

    expect(records).toHaveLength(9);
    expect(records).toContainEqual({
      slot: '0000:02:10.4',
      device: 'I350 Ethernet Controller Virtual Function [1520]',
      driver: 'igbvf',
    });
    expect(await textOf(host, 'lspci', '-D', '-vmm', '-nnk', '-s', '02:10.0')).toContain(
      'Module:\tigbvf\n',
    );
    expect(await textOf(host, 'lspci', '-tv')).toContain('no recording of lspci');
  });

  const noLspci = spawnSync('lspci', ['--version']).error !== undefined;
  test.skipIf(noLspci).each(['-Dvmmn', '-vmmnk'])(
    'lspci %s prints what the real one prints of the exported tree',
    async (options) => {
      const host = await withVfs();
      const dir = folder();
      await exportTree(host.fs, dir);
      const tree = ['-A', 'linux-sysfs', '-O', `sysfs.path=${dir}/sys/bus/pci`];
      const real = spawnSync('lspci', [...tree, options], { encoding: 'utf8' });
      // Modules come from this machine's own index.
      const withoutModules = (text: string): string => text.replace(/^Module:.*\n/gm, '');

      expect(withoutModules(await textOf(host, 'lspci', options))).toBe(
        withoutModules(real.stdout),
      );
    },
  );

  test('ip shows links with their VFs', async () => {
    const host = await withVfs();
    const links = await queryLinks(host);
    const json = JSON.parse(await textOf(host, ...ipLinkCommand.argv)) as unknown;

    expect(links.map(({ ifname }) => ifname)).toEqual(
      expect.arrayContaining(['lo', 'enp1s0f0', 'enp1s0f0v0', 'enp1s0f0v1']),
    );
    expect(json).toContainEqual(
      expect.objectContaining({
        ifname: 'enp1s0f0',
        flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
        operstate: 'UP',
        parentdev: '0000:01:00.0',
        vfinfo_list: [
          expect.objectContaining({ vf: 0, address: links.find(named('enp1s0f0v0'))?.address }),
          expect.objectContaining({ vf: 1, link_state: 'auto' }),
        ],
      }),
    );
    expect(json).toContainEqual(
      expect.objectContaining({
        ifname: 'enp1s0f1',
        flags: ['NO-CARRIER', 'BROADCAST', 'MULTICAST', 'UP'],
      }),
    );
    expect(await host.query({ argv: ['ip', '-j', 'link', 'show', 'dev', 'eth9'] })).toMatchObject({
      exitCode: 1,
      stderr: 'Device "eth9" does not exist.\n',
    });
  });

  test('ip adds to what the host below says', async () => {
    const base = treeView('fixtures/i350-t2');
    const known = [{ ifindex: 2, ifname: 'enp1s0f0', altnames: ['lan'], mtu: 9000 }];
    const below: HostView = { ...base, query: async () => printed(JSON.stringify(known)) };
    const links = await queryLinks(simulateHost(below));

    expect(links.find(named('enp1s0f0'))?.altnames).toEqual(['lan']);
    expect(links.find(named('enp5s0'))?.altnames).toEqual([]);
  });

  test('ip shows routes, and sets links up and down', async () => {
    const host = await i350();
    const routes = JSON.parse(await textOf(host, 'ip', '-j', 'route')) as unknown;

    expect(routes).toEqual([
      { dst: 'default', gateway: '192.168.1.1', dev: 'enp5s0', flags: [] },
      { dst: '192.168.1.0/24', scope: 'link', dev: 'enp5s0', flags: [] },
    ]);
    const argv = ['ip', 'link', 'set', 'dev', 'enp1s0f0', 'down'] as const;
    await host.perform({ kind: 'command', command: { argv } });
    expect(await host.fs.readText(`${pf}/net/enp1s0f0/operstate`)).toBe('down\n');
    await expect(host.fs.readText(`${pf}/net/enp1s0f0/carrier`)).rejects.toMatchObject({
      errno: 'EINVAL',
    });
  });

  test('modinfo knows what is installed', async () => {
    const host = await i350();

    expect(await textOf(host, 'modinfo', '-F', 'filename', 'igbvf')).toMatch(
      /^\/lib\/modules\/.*\/igbvf\.ko\n$/,
    );
    expect(await textOf(host, 'modinfo', 'vfio-pci')).toMatch(/^depends: {8}vfio_pci_core,/m);
    expect(await host.query({ argv: ['modinfo', 'nonesuch'] })).toMatchObject({
      exitCode: 1,
      stderr: 'modinfo: ERROR: Module nonesuch not found.\n',
    });
  });
});

const named =
  (name: string) =>
  ({ ifname }: { readonly ifname: string }): boolean =>
    ifname === name;
