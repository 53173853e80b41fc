import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { apply } from '../../src/engine/apply.ts';
import { noJournal } from '../../src/engine/journal.ts';
import type { Run } from '../../src/engine/run.ts';
import { verify } from '../../src/engine/verify.ts';
import type { Host, HostPath, HostView } from '../../src/host.ts';
import { persistModels } from '../../src/persist/models.ts';
import type { ResolvedSpec } from '../../src/resolved-spec.ts';
import { selectPfs, withoutGone } from '../../src/spec/select-pfs.ts';
import { driver } from '../../src/steps/driver.ts';
import { persistStep } from '../../src/steps/persist.ts';
import { vfs } from '../../src/steps/vfs.ts';
import { type SimulatedHost, simulateHost } from '../../src/sysfs/simulated-host.ts';
import { treeView } from '../../src/sysfs/tree-fs.ts';
import { renameNetdev } from '../persist/rename-netdev.ts';

const tree = join(import.meta.dirname, '../../fixtures/i350-t2');
const first = '0000:01:00.0';
const second = '0000:01:00.1';
const persist = persistStep([driver, vfs]);

const newHost = (): SimulatedHost => simulateHost(treeView(tree), { models: persistModels });

const specOf = (
  counts: Readonly<Record<string, number>>,
  more: Partial<ResolvedSpec> = {},
): ResolvedSpec => ({
  pfs: Object.entries(counts).map(([address, count]) => ({
    address,
    selector: address,
    vfs: count,
  })),
  iommu: 'auto',
  kube: { mode: 'off', namespace: 'kube-system', resourcePrefix: 'sriovctl.io' },
  ...more,
});

const runOf = (host: Host, spec: ResolvedSpec, direction: Run['direction'] = 'setup'): Run => ({
  steps: [driver, vfs, persist],
  spec,
  host,
  direction,
  permissions: new Set(['recreate']),
  journal: noJournal,
  listener: () => undefined,
});

const setUp = (host: Host, spec: ResolvedSpec) => apply(runOf(host, spec));
const tearDown = (host: Host, spec: ResolvedSpec) => apply(runOf(host, spec, 'teardown'));

/** What is written down of an installation for these PFs. */
const recordOf = async (counts: Readonly<Record<string, number>>): Promise<string> => {
  const host = newHost();
  await setUp(host, specOf(counts));
  return (await host.fs.readText('/var/lib/sriovctl/persist.json')) ?? '';
};

/** All that is below /etc: kind, mode and content of each. */
const etcOf = async ({ fs }: Host, folder: HostPath = '/etc'): Promise<Record<string, unknown>> => {
  const found: Record<string, unknown> = {};
  for (const name of (await fs.list(folder)) ?? []) {
    const path: HostPath = `${folder}/${name}`;
    const stat = await fs.stat(path);
    const content =
      stat?.kind === 'file'
        ? await fs.readText(path)
        : stat?.kind === 'link'
          ? await fs.readLink(path)
          : undefined;
    found[path] = [stat?.kind, stat?.mode, content];
    if (stat?.kind === 'directory') Object.assign(found, await etcOf({ fs } as Host, path));
  }
  return found;
};

const script = '/etc/sriovctl/boot.sh';
const enabled = '/etc/systemd/system/multi-user.target.wants/sriovctl-boot.service';

describe('the boot unit', () => {
  test('is installed, enabled and found in order by verify; a second run changes nothing', async () => {
    const host = newHost();
    const spec = specOf({ [first]: 4 });
    expect(await setUp(host, spec)).toMatchObject({ outcome: 'applied' });
    expect(await host.fs.stat(enabled)).toMatchObject({ kind: 'link' });
    expect(await host.fs.readText(script)).toContain('make_vfs 4');
    expect(host.unmodelled).toEqual([]);
    expect(await verify(runOf(host, spec))).toMatchObject({ outcome: 'in-sync' });
    expect(await setUp(host, spec)).toMatchObject({ outcome: 'in-sync' });
  });

  test('names no netdev: a PF that is called otherwise after the next boot is the same PF', async () => {
    const host = newHost();
    await setUp(host, specOf({ [first]: 4 }));
    const texts = Object.entries(await etcOf(host)).filter(([path]) => path.includes('sriovctl'));
    expect(JSON.stringify(texts)).not.toContain('enp1s0f0');
  });

  test('finds a PF by the name that it had, unless it is another card now', async () => {
    const host = newHost();
    await renameNetdev(host.fs, 'enp1s0f0', 'blue0');
    await setUp(host, specOf({ [first]: 4 }));
    await renameNetdev(host.fs, 'blue0', 'uplink7');
    const named = [{ pf: 'blue0' }];
    const [[, found] = []] = await selectPfs(named, host);
    expect(found).toEqual({ address: first, selector: 'blue0' });
    expect(await verify(runOf(host, specOf({ [first]: 4 })))).toMatchObject({ outcome: 'in-sync' });
    await host.fs.writeFile('/sys/class/net/uplink7/address', '02:00:00:00:00:99\n');
    await expect(selectPfs(named, host)).rejects.toMatchObject({ code: 'PF_NOT_FOUND' });
  });

  test('makes at boot what setup makes, from what it finds after a boot', async () => {
    const host = newHost();
    await setUp(host, specOf({ [first]: 4 }));
    const text = (await host.fs.readText(script)) ?? '';
    const body = /^pf_0000_01_00_0\(\) \{\n([^}]*)\}/m.exec(text)?.[1];
    expect(body).toBe(
      [
        'find_pf 8086 1521 a0:36:9f:8c:1d:44 igb || return',
        'without_vfs 4 || return',
        'load igbvf || return',
        'set_link . up || return',
        'make_vfs 4 || return',
      ]
        .map((line) => `  ${line}\n`)
        .join(''),
    );
  });

  test('drifts when somebody edits the script, and when it is disabled', async () => {
    const host = newHost();
    const spec = specOf({ [first]: 2 });
    await setUp(host, spec);
    await host.fs.writeFile(script, 'echo hello\n');
    expect(await verify(runOf(host, spec))).toMatchObject({ outcome: 'drifted' });
    await setUp(host, spec);
    await host.fs.remove(enabled);
    expect(await verify(runOf(host, spec))).toMatchObject({ outcome: 'drifted' });
  });

  test('is no longer shown as failed when a run for all its PFs has made up for it', async () => {
    const view = treeView(tree);
    const stdout = 'sriovctl-boot.service loaded failed failed SR-IOV Virtual Functions\n';
    const query: HostView['query'] = async (command) =>
      command.argv[1] === 'list-units'
        ? { ran: true, exitCode: 0, stdout, stderr: '' }
        : view.query(command);
    const host = simulateHost({ fs: view.fs, query }, { models: persistModels });
    await host.fs.plant('/var/lib/sriovctl/persist.json', await recordOf({ [first]: 4 }));
    const ofOne = await setUp(host, specOf({ [second]: 2 }));
    expect(ofOne.outcome).toBe('applied');
    expect(JSON.stringify(ofOne.steps)).not.toContain('reset-failed');
    const both = specOf({ [first]: 4, [second]: 2 });
    expect(await verify(runOf(host, both))).toMatchObject({ outcome: 'drifted' });
    const ofBoth = await setUp(host, both);
    expect(ofBoth.outcome).toBe('applied');
    expect(JSON.stringify(ofBoth.steps)).toContain('reset-failed');
    expect(await verify(runOf(host, both))).toMatchObject({ outcome: 'in-sync' });
  });

  test('keeps the PFs that another run has set up', async () => {
    const host = newHost();
    await setUp(host, specOf({ [first]: 4 }));
    await setUp(host, specOf({ [second]: 2 }));
    const text = await host.fs.readText(script);
    expect(text).toContain('make_vfs 4');
    expect(text).toContain('make_vfs 2');
    await tearDown(host, specOf({ [first]: 4 }));
    const rest = await host.fs.readText(script);
    expect(rest).not.toContain('make_vfs 4');
    expect(rest).toContain('make_vfs 2');
    expect(await verify(runOf(host, specOf({ [second]: 2 })))).toMatchObject({
      outcome: 'in-sync',
    });
  });

  test('goes when no VFs are wanted any more', async () => {
    const host = newHost();
    const before = await etcOf(host);
    await setUp(host, specOf({ [first]: 4 }));
    await setUp(host, specOf({ [first]: 0 }));
    expect(await etcOf(host)).toEqual(before);
  });

  test('teardown leaves /etc as it was', async () => {
    const host = newHost();
    const before = await etcOf(host);
    const spec = specOf({ [first]: 4, [second]: 2 });
    await setUp(host, spec);
    expect(await tearDown(host, spec)).toMatchObject({ outcome: 'applied' });
    expect(await etcOf(host)).toEqual(before);
    expect(await tearDown(host, spec)).toMatchObject({ outcome: 'in-sync' });
  });

  test('teardown without a PF takes all of it out: a card that is gone cannot be named', async () => {
    const host = newHost();
    const before = await etcOf(host);
    await setUp(host, specOf({ [first]: 4, [second]: 2 }));
    await host.perform({
      kind: 'trigger',
      path: `/sys/bus/pci/devices/${first}/remove`,
      value: '1',
    });
    expect(await tearDown(host, specOf({}))).toMatchObject({ outcome: 'applied' });
    expect(await etcOf(host)).toEqual(before);
  });

  test.for([
    [{ pf: 'enp1s0f0' }, []],
    [{ pf: '01:00.0' }, []],
    [{ pf: 'A0:36:9F:8C:1D:44' }, []],
    [{ match: { vendor: '0x8086', driver: 'igb' } }, [second]],
  ] as const)(
    'teardown that names a card that is gone takes out what is for it: %j',
    async ([choice, others]) => {
      const host = newHost();
      await setUp(host, specOf({ [first]: 4, [second]: 2 }));
      const path: HostPath = `/sys/bus/pci/devices/${first}/remove`;
      await host.perform({ kind: 'trigger', path, value: '1' });
      const unknown = { pf: 'enp9s0f0' };
      const { present, gone } = await withoutGone([choice, unknown], host);
      expect(gone).toEqual([first]);
      expect(present).toEqual([...others.map(() => choice), unknown]);
      await tearDown(host, { ...specOf({}), gone });
      const rest = await host.fs.readText(script);
      expect(rest).not.toContain('make_vfs 4');
      expect(rest).toContain('make_vfs 2');
    },
  );

  test('teardown finds what was installed even if the record is lost', async () => {
    const host = newHost();
    const spec = specOf({ [first]: 4 });
    await setUp(host, spec);
    await host.fs.remove('/var/lib/sriovctl/persist.json');
    await tearDown(host, spec);
    expect(await host.fs.stat(script)).toBeUndefined();
    expect(await host.fs.stat(enabled)).toBeUndefined();
  });

  test('is not put where somebody else has something', async () => {
    const host = newHost();
    await host.fs.setLink('/etc/systemd/system/sriovctl-boot.service', '/dev/null');
    await host.fs.plant('/etc/sriovctl/boot.sh', 'theirs\n');
    const result = await setUp(host, specOf({ [first]: 4 }));
    const problems = result.steps.at(-1)?.problems.map(({ problem }) => problem);
    expect(problems).toEqual([expect.stringContaining('is masked')]);
    expect(problems).toEqual([expect.stringContaining("boot.sh exists and is not sriovctl's")]);
    expect(await host.fs.readText('/etc/sriovctl/boot.sh')).toBe('theirs\n');
  });

  test('is left out, with a word, on a host without systemd', async () => {
    const host = newHost();
    await host.fs.remove('/run/systemd');
    const silent = await setUp(host, specOf({ [first]: 4 }));
    expect(silent.steps.at(-1)).toMatchObject({ status: 'skipped' });
    const asked = await setUp(host, specOf({ [first]: 4 }, { persist: 'boot-unit' }));
    expect(asked.steps.at(-1)).toMatchObject({ status: 'refused' });
  });

  test('marks the VFs as unmanaged only where there is a NetworkManager', async () => {
    const rules = '/etc/udev/rules.d/90-sriovctl-networkmanager.rules';
    const without = newHost();
    await setUp(without, specOf({ [first]: 4 }));
    expect(await without.fs.stat(rules)).toBeUndefined();
    const host = newHost();
    await host.fs.plant('/usr/sbin/NetworkManager', '');
    const before = await etcOf(host);
    const spec = specOf({ [first]: 4 });
    await setUp(host, spec);
    expect(await host.fs.readText(rules)).toContain('NM_UNMANAGED');
    await tearDown(host, spec);
    expect(await etcOf(host)).toEqual(before);
  });
});

describe('--no-persist', () => {
  test('leaves what an earlier run has installed as it is', async () => {
    const host = newHost();
    await setUp(host, specOf({ [first]: 4 }));
    const before = await etcOf(host);
    await setUp(host, specOf({ [first]: 2 }, { persist: 'none' }));
    expect(await etcOf(host)).toEqual(before);
  });
});

describe('rc-local', () => {
  const rcLocal = { persist: 'rc-local' } as const;

  test.for([
    ['none', undefined, undefined],
    ['an empty one', '#!/bin/sh\n', 0o755],
    ['one that ends with exit 0', '#!/bin/sh -e\n# rc.local\nlogger hi\n\nexit 0\n', 0o755],
    ['one that cannot be executed', '#!/bin/bash\ntouch /var/lock/subsys/local\n', 0o644],
    ['one without a last newline', '#!/bin/sh\ntrue\nexit 0', 0o700],
    ['one that ends in the middle', '#!/bin/sh\nlogger last', 0o755],
    ['one with exits that depend', '#!/bin/sh\nif [ -e /x ]; then\nexit 0\nfi\nlogger y\n', 0o755],
  ] as const)('%s: is there after setup, and as it was after teardown', async ([, text, mode]) => {
    const host = newHost();
    if (text !== undefined) await host.fs.plant('/etc/rc.local', { content: text, mode });
    const before = await etcOf(host);
    const spec = specOf({ [first]: 4 }, rcLocal);
    expect(await setUp(host, spec)).toMatchObject({ outcome: 'applied' });
    expect(await host.fs.stat(enabled)).toBeUndefined();
    const made = (await host.fs.readText('/etc/rc.local')) ?? '';
    expect(made).toMatch(/^#!\/bin\//);
    expect(made).toContain(script);
    expect(((await host.fs.stat('/etc/rc.local'))?.mode ?? 0) & 0o100).toBe(0o100);
    expect(await setUp(host, spec)).toMatchObject({ outcome: 'in-sync' });
    await tearDown(host, spec);
    expect(await etcOf(host)).toEqual(before);
  });

  test('comes before an exit that always runs, and after one that depends', async () => {
    const host = newHost();
    const text = '#!/bin/sh\nif [ -e /x ]; then\nexit 0\nfi\nlogger y\nexit 0\nlogger never\n';
    await host.fs.plant('/etc/rc.local', { content: text, mode: 0o755 });
    await setUp(host, specOf({ [first]: 4 }, rcLocal));
    const lines = ((await host.fs.readText('/etc/rc.local')) ?? '').split('\n');
    const at = lines.findIndex((line) => line.includes(script));
    expect(lines.slice(0, at - 1)).toEqual(text.split('\n').slice(0, 5));
    expect(lines.slice(at + 2)).toEqual(text.split('\n').slice(5));
  });

  test('takes the place of the boot unit, and the other way round', async () => {
    const host = newHost();
    const before = await etcOf(host);
    await setUp(host, specOf({ [first]: 4 }));
    await setUp(host, specOf({ [first]: 4 }, rcLocal));
    expect(await host.fs.stat('/etc/systemd/system/sriovctl-boot.service')).toBeUndefined();
    expect(await host.fs.stat(enabled)).toBeUndefined();
    await setUp(host, specOf({ [first]: 4 }));
    expect(await host.fs.stat('/etc/rc.local')).toBeUndefined();
    expect(await host.fs.stat(enabled)).toMatchObject({ kind: 'link' });
    await tearDown(host, specOf({ [first]: 4 }));
    expect(await etcOf(host)).toEqual(before);
  });

  test('is refused where rc.local is something else than a shell script', async () => {
    const host = newHost();
    await host.fs.plant('/etc/rc.local', { content: '#!/usr/bin/perl\n', mode: 0o755 });
    const result = await setUp(host, specOf({ [first]: 4 }, rcLocal));
    expect(result.steps.at(-1)).toMatchObject({ status: 'refused' });
  });
});

describe('another manager of the same PF', () => {
  test('is named before anything is installed; --force goes on', async () => {
    const host = newHost();
    await host.fs.plant('/etc/netplan/50-net.yaml', {
      content: 'network:\n  ethernets:\n    enp1s0f0:\n      virtual-function-count: 4\n',
    });
    const spec = specOf({ [first]: 4 });
    const refused = await setUp(host, spec);
    expect(refused.steps.at(-1)).toMatchObject({
      status: 'refused',
      problems: [{ problem: expect.stringContaining('/etc/netplan/50-net.yaml:4') as unknown }],
    });
    expect(await host.fs.stat(script)).toBeUndefined();
    const run = runOf(host, spec);
    const forced = await apply({ ...run, permissions: new Set([...run.permissions, 'force']) });
    expect(forced).toMatchObject({ outcome: 'applied' });
    expect(await verify(runOf(host, spec))).toMatchObject({ steps: { 2: { changes: [] } } });
  });
});

describe('mechanisms of others', () => {
  const exports = '/var/lib/sriovctl/export';
  const linkOf = '/etc/systemd/network/50-sriovctl-0000:01:00.0.link';

  test('a .link file repeats the default policy, and goes with teardown', async () => {
    const host = newHost();
    const policy =
      '[Match]\nOriginalName=*\n\n[Link]\nNamePolicy=keep path\nMACAddressPolicy=none\n';
    await host.fs.plant('/usr/lib/systemd/network/99-default.link', policy);
    const before = await etcOf(host);
    const spec = specOf({ [first]: 4 }, { persist: 'networkd-link' });
    expect(await setUp(host, spec)).toMatchObject({ outcome: 'applied' });
    const text = (await host.fs.readText(linkOf)) ?? '';
    expect(text).toContain(
      '[Match]\nPath=pci-0000:01:00.0\nPermanentMACAddress=a0:36:9f:8c:1d:44\n\n' +
        '[Link]\nNamePolicy=keep path\nMACAddressPolicy=none\nSR-IOVVirtualFunctions=4\n',
    );
    expect(await verify(runOf(host, spec))).toMatchObject({ outcome: 'in-sync' });
    await tearDown(host, spec);
    expect(await etcOf(host)).toEqual(before);
  });

  test('a .link file that another one would make void is refused', async () => {
    const host = newHost();
    const netplan = '/run/systemd/network/10-netplan-wan.link';
    await host.fs.plant(netplan, '[Match]\nPermanentMACAddress=a0:36:9f:8c:1d:44\n');
    const spec = specOf({ [first]: 4 }, { persist: 'networkd-link' });
    const result = await setUp(host, spec);
    expect(result.steps.at(-1)).toMatchObject({
      status: 'refused',
      problems: [{ problem: expect.stringContaining(netplan) as unknown }],
    });
  });

  test.for(['networkmanager', 'netplan', 'ignition', 'talos'] as const)(
    '%s: a text for a human, with its caveats, and nothing in /etc',
    async (persist) => {
      const host = newHost();
      const before = await etcOf(host);
      const spec = specOf({ [first]: 4, [second]: 2 }, { persist });
      const result = await setUp(host, spec);
      expect(result).toMatchObject({ outcome: 'applied' });
      expect(await etcOf(host)).toEqual(before);
      const [name = ''] = (await host.fs.list(exports)) ?? [];
      const [caveats] = result.steps.at(-1)?.checks.map(({ result: check }) => check) ?? [];
      expect(caveats).toMatchObject({
        detail: expect.stringContaining(`${exports}/${name}; `) as unknown,
      });
      if (persist !== 'ignition') {
        expect(await host.fs.readText(`${exports}/${name}`)).toMatchSnapshot();
      }
      await tearDown(host, spec);
      expect(await host.fs.stat(exports)).toBeUndefined();
    },
  );

  test('Ignition gets the very files of the boot unit', async () => {
    const host = newHost();
    await setUp(host, specOf({ [first]: 4 }, { persist: 'ignition' }));
    const text = (await host.fs.readText(`${exports}/ignition.json`)) ?? '';
    const { storage, systemd } = JSON.parse(text) as {
      readonly storage: {
        readonly files: readonly {
          readonly path: HostPath;
          readonly contents: { readonly source: string };
        }[];
      };
      readonly systemd: {
        readonly units: readonly {
          readonly name: string;
          readonly contents: string;
          readonly enabled?: true;
        }[];
      };
    };
    const given = new Map<HostPath, string>(
      systemd.units.map(({ name, contents }) => [`/etc/systemd/system/${name}`, contents]),
    );
    for (const { path, contents } of storage.files) {
      given.set(path, Buffer.from(contents.source.split(',')[1] ?? '', 'base64').toString());
    }
    const other = newHost();
    await setUp(other, specOf({ [first]: 4 }));
    for (const [path, content] of given) expect(await other.fs.readText(path)).toBe(content);
    expect(given.size).toBe(4);
    expect(systemd.units.map(({ enabled: on }) => on)).toEqual([true, undefined]);
  });
});
