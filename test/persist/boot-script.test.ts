import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { apply } from '../../src/engine/apply.ts';
import { noJournal } from '../../src/engine/journal.ts';
import { takeLock } from '../../src/engine/lock.ts';
import type { Host, HostPath, VfAttributes } from '../../src/host.ts';
import { afterBoot } from '../../src/persist/after-boot.ts';
import { planBoot } from '../../src/persist/boot-plan.ts';
import { bootScript } from '../../src/persist/boot-script.ts';
import type { ResolvedPf, ResolvedSpec, VfRangeSettings } from '../../src/resolved-spec.ts';
import { hostSteps } from '../../src/steps/index.ts';
import { ipLinkCommand } from '../../src/sysfs/ip-link.ts';
import { readNetdev } from '../../src/sysfs/netdev.ts';
import { pciAttribute } from '../../src/sysfs/paths.ts';
import { listPfs, readPf } from '../../src/sysfs/pci-device.ts';
import { readAttribute } from '../../src/sysfs/read.ts';
import {
  type SimulatedHost,
  type SimulationOptions,
  simulateHost,
} from '../../src/sysfs/simulated-host.ts';
import { treeView } from '../../src/sysfs/tree-fs.ts';
import { readVfLinks } from '../../src/sysfs/vf-link.ts';
import { treeOf } from './disk-tree.ts';
import { type Played, playKernel } from './played-kernel.ts';
import { renameNetdev } from './rename-netdev.ts';

const shells = [['dash'], ['busybox', 'ash'], ['bash']] as const;
const trees = ['82576-qemu', 'i350-t2'] as const;
const ports = ['0000:01:00.0', '0000:01:00.1'] as const;

const specOf = (pfs: readonly ResolvedPf[]): ResolvedSpec => ({
  pfs,
  iommu: 'auto',
  kube: { mode: 'off', namespace: 'kube-system', resourcePrefix: 'sriovctl.io' },
});

const viewOf = (tree: string) => treeView(join(import.meta.dirname, '../../fixtures', tree));

/** A host of a fixture as it is after a boot. */
const booted = async (tree: string, options: SimulationOptions = {}): Promise<SimulatedHost> => {
  const [first, second] = ports;
  return simulateHost(await afterBoot(await afterBoot(viewOf(tree), first), second), options);
};

const setUp = async (host: Host, spec: ResolvedSpec): Promise<void> => {
  const { outcome, steps } = await apply({
    steps: hostSteps,
    spec,
    host,
    direction: 'setup',
    permissions: new Set(),
    journal: noJournal,
    listener: () => undefined,
  });
  const problems = steps.flatMap((step) => step.problems);
  expect({ outcome, problems }).toMatchObject({ problems: [] });
  await host.wait(5_000);
};

const inFolder = async <T>(work: (folder: string) => Promise<T>): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), 'sriovctl-boot-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const shellcheck = async (script: string): Promise<string> => {
  const { stdout } = await execa('shellcheck', ['-'], { input: script, reject: false });
  return stdout;
};

/** Runs a script with the kernel's model beside it. */
const boot = (
  host: SimulatedHost,
  script: string,
  shell: readonly [string, ...string[]],
  ...args: string[]
): Promise<Played> =>
  inFolder((folder) => {
    const file = join(folder, 'boot.sh');
    writeFileSync(file, script);
    return playKernel(host, folder, [...shell, file, ...args]);
  });

/** What igb can do for its VFs, and vfio-pci. */
const rangeSettings = fc
  .record(
    {
      first: fc.nat(6),
      last: fc.nat(6),
      vlan: fc.record({ vlan: fc.integer({ min: 1, max: 4094 }), qos: fc.nat(7) }),
      spoofCheck: fc.boolean(),
      trust: fc.boolean(),
      mtu: fc.integer({ min: 1000, max: 9000 }),
      driver: fc.constantFrom('vfio-pci', 'kernel'),
    },
    { requiredKeys: ['first', 'last'] },
  )
  .map(
    ({ first, last, vlan, ...more }): VfRangeSettings => ({
      vfs: [0, 1, 2, 3, 4, 5, 6].filter((index) => index >= first && index <= last),
      ...vlan,
      ...more,
    }),
  );

const pfOf = (address: string): fc.Arbitrary<ResolvedPf> =>
  fc
    .record(
      {
        vfs: fc.nat(7),
        driver: fc.constant('vfio-pci'),
        macPolicy: fc.constant('stable' as const),
        settings: fc.array(rangeSettings, { maxLength: 3 }),
      },
      { requiredKeys: ['vfs'] },
    )
    .map(({ settings = [], ...pf }) => {
      const those = settings
        .map((each) => ({ ...each, vfs: each.vfs.filter((index) => index < pf.vfs) }))
        .filter((each) => each.vfs.length > 0);
      // No VF may have a larger MTU than its PF.
      const large = those.some(({ mtu }) => mtu !== undefined);
      return { ...pf, address, selector: address, settings: those, ...(large && { mtu: 9000 }) };
    });

const pfs: fc.Arbitrary<readonly ResolvedPf[]> = fc.tuple(...ports.map(pfOf));

/** What the PFs' drivers keep for their VFs, which /sys does not show. */
const linksOf = async (host: Host): Promise<unknown> => {
  const answer = await host.query(ipLinkCommand);
  return answer.ran ? JSON.parse(answer.stdout) : answer;
};

/** What is declared of PFs and VFs; random MACs, names and all that a passing driver leaves are not. */
const declaredState = async (host: SimulatedHost): Promise<unknown> => {
  const found = [];
  for (const pf of await listPfs(host.fs)) {
    const netdev = pf.netdev ?? '';
    const links = (await readVfLinks(host, netdev)) ?? new Map<number, VfAttributes>();
    const vfs = [];
    for (const vf of pf.vfs) {
      const settings = { ...links.get(vf.index), mac: undefined };
      const override = await readAttribute(host.fs, pciAttribute(vf.address, 'driver_override'));
      const mtu = vf.netdev && (await readNetdev(host.fs, vf.netdev)).mtu;
      vfs.push({ at: vf.address, driver: vf.driver, override, mtu, settings });
    }
    const { mtu, up } = await readNetdev(host.fs, netdev);
    found.push({ at: pf.address, autoprobe: pf.sriov.autoprobe, mtu, up, vfs });
  }
  return found;
};

describe('the boot script', () => {
  /** Boots one host and sets up another one of the same kind. */
  const bothWays = async (
    tree: string,
    wanted: readonly ResolvedPf[],
    shell: readonly [string, ...string[]],
    withUdev: boolean,
  ) => {
    const spec = specOf(wanted);
    const expected = await booted(tree);
    const host = await booted(tree);
    if (!withUdev) for (const each of [expected, host]) await each.fs.remove('/run/udev');
    const script = bootScript(await planBoot(hostSteps, spec, expected));
    expect(await shellcheck(script)).toBe('');
    await setUp(expected, spec);
    expect(await boot(host, script, shell)).toMatchObject({ exitCode: 0, refused: [] });
    await host.wait(5_000);
    return { host, expected };
  };

  test('does to a host that has just booted what setup does to it', { timeout: 600_000 }, () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...trees),
        pfs,
        fc.constantFrom(...shells),
        async (tree, wanted, shell) => {
          const { host, expected } = await bothWays(tree, wanted, shell, false);
          expect(await treeOf(host.fs, '/sys')).toEqual(await treeOf(expected.fs, '/sys'));
          expect(await linksOf(host)).toEqual(await linksOf(expected));
        },
      ),
      { numRuns: 8 },
    ),
  );

  test('comes to the same while udev loads drivers and names netdevs', { timeout: 600_000 }, () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...trees),
        pfs,
        fc.constantFrom(...shells),
        async (tree, wanted, shell) => {
          const { host, expected } = await bothWays(tree, wanted, shell, true);
          expect(await declaredState(host)).toEqual(await declaredState(expected));
        },
      ),
      { numRuns: 8 },
    ),
  );
});

describe.for(shells)('what the script finds otherwise than it was set up, under %s', (shell) => {
  const [first] = ports;
  const device: HostPath = `/sys/bus/pci/devices/${first}`;
  const numvfs = (host: SimulatedHost) => host.fs.readText(`${device}/sriov_numvfs`);

  /** Boots a host that was set up with four VFs and that `change` has happened to since. */
  const bootAfter = async (
    change: (host: SimulatedHost) => Promise<unknown>,
    options: SimulationOptions & { readonly args?: readonly string[] } = {},
  ) => {
    const spec = specOf([{ address: first, selector: first, vfs: 4 }]);
    const script = bootScript(await planBoot(hostSteps, spec, viewOf('i350-t2')));
    const host = await booted('i350-t2', options);
    await change(host);
    const before = await treeOf(host.fs, '/sys');
    const played = await boot(host, script, shell, ...(options.args ?? []));
    return {
      ...played,
      host,
      untouched: async () => {
        expect(await treeOf(host.fs, '/sys')).toEqual(before);
      },
    };
  };

  test('a card of another kind is left alone, loudly', async () => {
    const { exitCode, output, untouched } = await bootAfter(({ fs }) =>
      fs.writeFile(`${device}/device`, '0x10fb\n'),
    );
    expect(exitCode).toBe(1);
    expect(output).toContain('another card is at this address: 8086:10fb instead of 8086:1521');
    await untouched();
  });

  test('another card of the same kind is left alone, loudly', async () => {
    const { exitCode, output, untouched } = await bootAfter(({ fs }) =>
      fs.writeFile(`${device}/net/enp1s0f0/address`, '02:00:00:00:00:99\n'),
    );
    expect(exitCode).toBe(1);
    expect(output).toContain('MAC 02:00:00:00:00:99 instead of a0:36:9f:8c:1d:44');
    await untouched();
  });

  test('a card that is gone costs one second, and one line', async () => {
    const start = performance.now();
    const { exitCode, output } = await bootAfter((host) =>
      host.perform({ kind: 'trigger', path: `${device}/remove`, value: '1' }),
    );
    expect(exitCode).toBe(0);
    expect(output).toBe(`${first}: there is no card at this address: nothing is done`);
    expect(performance.now() - start).toBeLessThan(20_000);
  });

  test('a card that has moved is left alone, and found by its MAC', async () => {
    const { exitCode, output, host } = await bootAfter(async (moved) => {
      const mac = (await moved.fs.readText(`${device}/net/enp1s0f0/address`)) ?? '';
      await moved.perform({ kind: 'trigger', path: `${device}/remove`, value: '1' });
      await moved.fs.writeFile('/sys/class/net/enp5s0/address', mac);
    });
    expect(exitCode).toBe(1);
    expect(output).toContain('the card has moved: its MAC a0:36:9f:8c:1d:44 is that of enp5s0 now');
    expect(await host.fs.stat(device)).toBeUndefined();
  });

  test('a netdev of another name is the same PF', async () => {
    const { exitCode, host } = await bootAfter((renamed) =>
      renameNetdev(renamed.fs, 'enp1s0f0', 'uplink7'),
    );
    expect(exitCode).toBe(0);
    expect(await numvfs(host)).toBe('4\n');
    expect(Number(await host.fs.readText('/sys/class/net/uplink7/flags')) & 1).toBe(1);
  });

  test('VFs that are there already are left alone; with another number that is a failure', async () => {
    const make = (count: string) => (host: SimulatedHost) =>
      host.perform({ kind: 'attribute', path: `${device}/sriov_numvfs`, value: count });
    const same = await bootAfter(make('4'));
    expect(same).toMatchObject({ exitCode: 0, output: `${first}: it has its 4 VFs already` });
    const other = await bootAfter(make('2'));
    expect(other.exitCode).toBe(1);
    expect(other.output).toContain('it has 2 VFs already, 4 are to be made');
    expect(await numvfs(other.host)).toBe('2\n');
  });

  test('a driver that refuses, and one that makes fewer, are told', async () => {
    const refused = await bootAfter(() => Promise.resolve(), {
      faults: { driverErrno: { [first]: 'ENOSPC' } },
    });
    expect(refused.exitCode).toBe(1);
    expect(refused.output).toContain('cannot make 4 VFs: No space left on device');
    const fewer = await bootAfter(() => Promise.resolve(), {
      faults: { shortCount: { [first]: 3 } },
    });
    expect(fewer.exitCode).toBe(1);
    expect(fewer.output).toContain('4 VFs were asked for, the driver has made 3');
  });

  test('a VF whose driver made a MAC up is bound again, and its PF has the right one', async () => {
    const mac = '02:00:00:00:00:07';
    const settings = [{ vfs: [1], mac, trust: true }];
    const spec = specOf([{ address: first, selector: first, vfs: 2, settings }]);
    const script = bootScript(await planBoot(hostSteps, spec, viewOf('i350-t2')));
    const host = await booted('i350-t2', { faults: { deafVfs: ['0000:02:10.4'] } });
    const { exitCode, output } = await boot(host, script, shell);
    expect({ exitCode, output }).toMatchObject({
      exitCode: 0,
      output: expect.stringContaining('VF 1 has made up the MAC') as unknown,
    });
    const pf = await readPf(host.fs, first);
    expect(pf?.vfs[1]).toMatchObject({ address: '0000:02:10.4', driver: 'igbvf', mac });
    expect((await readVfLinks(host, pf?.netdev ?? ''))?.get(1)).toMatchObject({ mac });
  });

  test('a run under way comes first, and the script that it leaves is the one that counts', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'boot.sh');
      const writeScript = async (vfs: number): Promise<void> => {
        const spec = specOf([{ address: first, selector: first, vfs }]);
        writeFileSync(file, bootScript(await planBoot(hostSteps, spec, viewOf('i350-t2'))));
      };
      await writeScript(4);
      const host = await booted('i350-t2');
      await host.fs.plant('/run/sriovctl/lock', '');
      const lock = await takeLock({ folder: join(folder, 'root/run/sriovctl') });
      const played = playKernel(host, folder, [...shell, file]);
      await sleep(1_000);
      expect(await numvfs(host)).toBe('0\n');
      await writeScript(2);
      lock.release();
      const { exitCode, output } = await played;
      expect({ exitCode, lines: output.split('\n') }).toEqual({
        exitCode: 0,
        lines: [
          `${first}: a run of sriovctl is under way and comes first`,
          expect.stringMatching(`^${first}: 2 VFs made in`),
        ],
      });
    }));

  test('no run begins while it works, and one that waits comes next', () =>
    inFolder(async (folder) => {
      const spec = specOf([{ address: first, selector: first, vfs: 4 }]);
      const file = join(folder, 'boot.sh');
      writeFileSync(file, bootScript(await planBoot(hostSteps, spec, viewOf('i350-t2'))));
      const host = await booted('i350-t2');
      // It waits for seconds for a driver whose module is there.
      await host.perform({ kind: 'trigger', path: `${device}/driver/unbind`, value: first });
      const played = playKernel(host, folder, [...shell, file]);
      const locks = join(folder, 'root/run/sriovctl');
      await vi.waitUntil(() => existsSync(join(locks, 'lock')), { timeout: 20_000 });
      await expect(takeLock({ folder: locks, bootScriptSeconds: 0.1 })).rejects.toMatchObject({
        code: 'LOCKED',
        message: 'the script that makes VFs at boot is at work',
      });
      const waited = vi.fn();
      const lock = await takeLock({ folder: locks, onBootScript: waited });
      lock.release();
      expect(waited).toHaveBeenCalledOnce();
      expect(await played).toMatchObject({ exitCode: 0 });
    }));

  test('a driver that may not be loaded now is left for later', async () => {
    const { exitCode, output } = await bootAfter(async (host) => {
      const { fs } = host;
      await host.perform({ kind: 'trigger', path: `${device}/driver/unbind`, value: first });
      await fs.remove('/sys/bus/pci/drivers/igb');
      await fs.remove('/sys/module/igb');
      await fs.writeFile('/etc/modprobe.d/late.conf', 'blacklist igb\n');
    });
    expect(exitCode).toBe(0);
    expect(output).toBe(`${first}: no driver has taken it yet: no VFs for now`);
  });

  test('a PF that was not set up is not touched', async () => {
    const { exitCode, output, untouched } = await bootAfter(() => Promise.resolve(), {
      args: ['0000:05:00.0'],
    });
    expect(exitCode).toBe(1);
    expect(output).toBe('0000:05:00.0: this PF was not set up');
    await untouched();
  });

  test('of a script that was cut off anywhere, nothing runs', async () => {
    const spec = specOf([{ address: first, selector: first, vfs: 4 }]);
    const script = bootScript(await planBoot(hostSteps, spec, viewOf('i350-t2')));
    for (const part of [0.5, 0.95, 0.99]) {
      const host = await booted('i350-t2');
      const before = await treeOf(host.fs, '/sys');
      const { commands } = await boot(host, script.slice(0, script.length * part), shell);
      expect(commands).toEqual([]);
      expect(await treeOf(host.fs, '/sys')).toEqual(before);
    }
  });
});
