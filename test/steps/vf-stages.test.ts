import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Permission } from '../../src/change.ts';
import { apply } from '../../src/engine/apply.ts';
import { noJournal } from '../../src/engine/journal.ts';
import type { Run, RunResult } from '../../src/engine/run.ts';
import { verify } from '../../src/engine/verify.ts';
import type { Host } from '../../src/host.ts';
import { pfsText } from '../../src/report/pf-text.ts';
import type { ResolvedPf } from '../../src/resolved-spec.ts';
import { driver } from '../../src/steps/driver.ts';
import { eswitch, eswitchFirst } from '../../src/steps/eswitch.ts';
import { vfDriver } from '../../src/steps/vf-driver.ts';
import { vfSettings } from '../../src/steps/vf-settings.ts';
import { vfs } from '../../src/steps/vfs.ts';
import { describeAction } from '../../src/sysfs/describe-action.ts';
import { readEswitch } from '../../src/sysfs/devlink.ts';
import { readInventory } from '../../src/sysfs/inventory.ts';
import { readMsixCount } from '../../src/sysfs/msix.ts';
import { netAttribute, netdev, pciAttribute, pciDevice, pciDriver } from '../../src/sysfs/paths.ts';
import { readPf } from '../../src/sysfs/pci-device.ts';
import { readAttribute } from '../../src/sysfs/read.ts';
import { readRepresentors } from '../../src/sysfs/representors.ts';
import {
  type SimulatedHost,
  type SimulationOptions,
  simulateHost,
} from '../../src/sysfs/simulated-host.ts';
import { treeView } from '../../src/sysfs/tree-fs.ts';
import { readVfLinks } from '../../src/sysfs/vf-link.ts';
import { declaredState } from '../engine/declared-state.ts';
import { failingHost } from '../engine/failing-host.ts';

const tree = join(import.meta.dirname, '../../fixtures/82576-qemu');
const first = '0000:01:00.0';
const second = '0000:01:00.1';

type Wish = Omit<ResolvedPf, 'address' | 'selector'> & { readonly address?: string };

const runOn = (host: Host, pfs: readonly Wish[], permissions: readonly Permission[] = []): Run => ({
  steps: [driver, eswitchFirst, vfs, eswitch, vfSettings, vfDriver],
  spec: {
    pfs: pfs.map((pf) => ({ address: first, selector: 'enp1s0f0', ...pf })),
    iommu: 'auto',
    kube: { mode: 'off', namespace: 'kube-system', resourcePrefix: 'sriovctl.io' },
  },
  host,
  direction: 'setup',
  permissions: new Set(permissions),
  journal: noJournal,
  listener: () => undefined,
});

const simulated = (options: SimulationOptions = {}): SimulatedHost =>
  simulateHost(treeView(tree), options);

/** The same host with a card of another kind. */
const hostWithCard = async (name: string, ids: { vendor: string; pf: string; vf: string }) => {
  const host = simulated();
  const folder = await host.fs.realPath(pciDevice(first));
  if (folder === undefined) throw new Error('no PF');
  await host.fs.plant(pciDriver(name), { folder: { bind: '', unbind: '' } });
  await host.fs.setLink(`${folder}/driver`, `../../../../bus/pci/drivers/${name}`);
  await host.fs.writeFile(`${folder}/vendor`, `0x${ids.vendor}\n`);
  await host.fs.writeFile(`${folder}/device`, `0x${ids.pf}\n`);
  await host.fs.writeFile(`${folder}/sriov_vf_device`, `${ids.vf}\n`);
  return host;
};
const mlx5 = () => hostWithCard('mlx5_core', { vendor: '15b3', pf: '101d', vf: '101e' });
const ice = () => hostWithCard('ice', { vendor: '8086', pf: '1593', vf: '1889' });

const driversOf = async (host: Host, address = first) =>
  (await readPf(host.fs, address))?.vfs.map((vf) => vf.driver);
const madeBy = ({ steps }: RunResult) =>
  steps.flatMap(({ changes }) => changes.map(({ change }) => describeAction(change.action)));
const problemsOf = ({ steps }: RunResult) => steps.flatMap(({ problems }) => problems);

/** What no folder shows: the settings that the PF's driver keeps. */
const linksOf = async (host: Host) => [...((await readVfLinks(host, 'enp1s0f0')) ?? [])];

const mixed: readonly Wish[] = [
  { vfs: 4, settings: [{ vfs: [0, 1], driver: 'vfio-pci', vlan: 100, qos: 3, trust: true }] },
  { address: second, vfs: 2, driver: 'vfio-pci', macPolicy: 'stable' },
];

describe('VFs with different drivers', () => {
  test('get them on two PFs at once, and a second run changes nothing', async () => {
    const host = simulated();
    expect(await apply(runOn(host, mixed))).toMatchObject({ outcome: 'applied' });
    expect(await driversOf(host)).toEqual(['vfio-pci', 'vfio-pci', 'igbvf', 'igbvf']);
    expect(await driversOf(host, second)).toEqual(['vfio-pci', 'vfio-pci']);
    const autoprobe = pciAttribute(first, 'sriov_drivers_autoprobe');
    expect(await readAttribute(host.fs, autoprobe)).toBe('1');
    expect(await apply(runOn(host, mixed))).toMatchObject({ outcome: 'in-sync' });
    expect(await verify(runOn(host, mixed))).toMatchObject({ outcome: 'in-sync' });
  });

  test('are never given to their usual driver first', async () => {
    const made = madeBy(await apply(runOn(simulated(), [{ vfs: 3, driver: 'vfio-pci' }])));
    expect(made.filter((text) => text.includes('driver/unbind'))).toEqual([]);
    expect(made.filter((text) => text.includes('drivers/vfio-pci/bind'))).toHaveLength(3);
  });

  test('change it without being made anew, and a driver that somebody chose is left alone', async () => {
    const host = simulated();
    await apply(runOn(host, [{ vfs: 2, driver: 'vfio-pci' }]));
    expect(await apply(runOn(host, [{ vfs: 2 }]))).toMatchObject({ outcome: 'in-sync' });
    const result = await apply(runOn(host, [{ vfs: 2, driver: 'kernel' }]));
    expect(result.outcome).toBe('applied');
    expect(madeBy(result).filter((text) => text.includes('sriov_numvfs'))).toEqual([]);
    expect(await driversOf(host)).toEqual(['igbvf', 'igbvf']);
    const override = pciAttribute('0000:01:10.0', 'driver_override');
    expect(await readAttribute(host.fs, override)).toBe('(null)');
  });

  test('end in the state before when any write fails', async () => {
    const links = [
      [0, 4],
      [3, 9],
    ] as const;
    for (const [already, writes] of links) {
      await fc.assert(
        fc.asyncProperty(fc.nat(writes + 12), fc.boolean(), async (failing, changesDriver) => {
          const host = simulated();
          if (already > 0) await apply(runOn(host, [{ vfs: already, macPolicy: 'stable' }]));
          const before = [await declaredState(host.fs), await linksOf(host)];
          const wish: Wish = {
            vfs: already || 3,
            ...(changesDriver && { driver: 'vfio-pci' }),
            settings: [{ vfs: [0, 2], vlan: 7, trust: true }],
          };
          const result = await apply(runOn(failingHost(host, new Set([failing])), [wish]));
          if (result.outcome !== 'applied') {
            expect(result.outcome).toBe('rolled-back');
            expect([await declaredState(host.fs), await linksOf(host)]).toEqual(before);
          }
        }),
        { numRuns: 20 },
      );
    }
  });
});

describe('vfio-pci', () => {
  test('is refused where no IOMMU translates, before anything else', async () => {
    const host = simulated();
    const folder = await host.fs.realPath(pciDevice(first));
    await host.fs.remove(`${folder ?? '/'}/iommu_group`);
    const result = await apply(runOn(host, [{ vfs: 2, driver: 'vfio-pci' }]));
    expect(problemsOf(result)[0]).toMatchObject({ code: 'vfio-iommu' });
  });

  test('is refused for a VF whose group the kernel uses for something else', async () => {
    const host = simulated();
    await apply(runOn(host, [{ vfs: 2 }]));
    const group = (await readPf(host.fs, first))?.vfs[0]?.iommuGroup ?? '';
    await host.fs.setLink(
      `/sys/kernel/iommu_groups/${group}/devices/${second}`,
      `../../../../devices/${second}`,
    );
    const result = await apply(runOn(host, [{ vfs: 2, driver: 'vfio-pci' }]));
    const [problem] = problemsOf(result);
    expect(problem?.problem).toContain(`shares IOMMU group ${group} with ${second} (igb)`);
    expect(await driversOf(host)).toEqual(['igbvf', 'igbvf']);
  });
});

describe('settings', () => {
  test('are set in the order MAC, driver, so that the netdevs have the MACs', async () => {
    const host = simulated();
    const wish: Wish = { vfs: 3, macPolicy: 'stable' };
    expect(await apply(runOn(host, [wish]))).toMatchObject({ outcome: 'applied' });
    const links = await readVfLinks(host, 'enp1s0f0');
    for (const vf of (await readPf(host.fs, first))?.vfs ?? []) {
      expect(vf.mac).toBe(links?.get(vf.index)?.mac);
    }
  });

  test('of VFs that have their driver already reach the netdevs by binding them again', async () => {
    const host = simulated();
    await apply(runOn(host, [{ vfs: 2 }]));
    const wish: Wish = { vfs: 2, settings: [{ vfs: [1], mac: '02:00:00:00:00:07' }] };
    const result = await apply(runOn(host, [wish]));
    expect(result.outcome).toBe('applied');
    expect((await readPf(host.fs, first))?.vfs[1]?.mac).toBe('02:00:00:00:00:07');
    expect(madeBy(result).filter((text) => text.includes('unbind'))).toHaveLength(1);
  });

  test('that a trusted VF has made void by a MAC of its own are made again', async () => {
    const mac = '02:00:00:00:00:07';
    const host = simulated({ faults: { deafVfs: ['0000:01:10.2'] } });
    const wish: Wish = { vfs: 2, settings: [{ vfs: [1], mac, trust: true }] };
    expect(await apply(runOn(host, [wish]))).toMatchObject({ outcome: 'applied' });
    expect((await readPf(host.fs, first))?.vfs[1]).toMatchObject({ address: '0000:01:10.2', mac });
    expect((await readVfLinks(host, 'enp1s0f0'))?.get(1)).toMatchObject({ mac });
  });

  test('of VFs whose netdev udev is renaming are not taken for wrong', async () => {
    const host = simulated();
    const wish: Wish = { vfs: 2, macPolicy: 'stable', settings: [{ vfs: [1], mtu: 1400 }] };
    await apply(runOn(host, [wish]));
    // Between two looks the old name is gone, or has become that of another VF.
    const [one, two] = (await readPf(host.fs, first))?.vfs ?? [];
    await host.fs.setLink(netdev(one?.netdev ?? ''), `../../class/net/${two?.netdev ?? ''}`);
    await host.fs.remove(netdev(two?.netdev ?? ''));
    expect(await vfDriver.plan(runOn(host, [wish]).spec, host)).toEqual([]);
  });

  test.each([
    [{ linkState: 'enable' }, 'link-state (VF 0-1): EOPNOTSUPP'],
    [{ vlan: 5, proto: '802.1ad' }, 'proto=802.1ad (VF 0-1): EPROTONOSUPPORT'],
    [{ minTxRate: 5 }, 'min-tx-rate (VF 0-1): EINVAL'],
    [{ msix: 4 }, 'msix (VF 0-1): EOPNOTSUPP'],
  ] as const)('that igb refuses are said beforehand: %j', async (setting, words) => {
    const settings = [{ vfs: [0, 1], ...setting }];
    const result = await apply(runOn(simulated(), [{ vfs: 2, settings }]));
    expect(problemsOf(result)[0]).toMatchObject({ code: 'vf-settings-supported' });
    expect(problemsOf(result)[0]?.problem).toContain(words);
  });

  test('that no table knows to be refused are named with the errno, and all is taken back', async () => {
    const host = simulated();
    const before = await declaredState(host.fs);
    const settings = [
      { vfs: [0], vlan: 9 },
      { vfs: [1], vlan: 9, maxTxRate: 5000 },
    ];
    const result = await apply(runOn(host, [{ vfs: 2, settings }]));
    expect(result.outcome).toBe('rolled-back');
    const [problem] = problemsOf(result);
    expect(problem).toMatchObject({ code: 'VF_SETTING_EINVAL' });
    expect(problem?.problem).toContain('VF 1 of enp1s0f0: max-tx-rate');
    expect(await declaredState(host.fs)).toEqual(before);
  });

  test('of many VFs are set in few programs, and MTUs PF first', async () => {
    const host = simulated();
    const wish: Wish = {
      vfs: 7,
      mtu: 9000,
      settings: [{ vfs: [0, 1, 2, 3, 4, 5, 6], trust: true, mtu: 8000 }],
    };
    const result = await apply(runOn(host, [wish]));
    expect(result.outcome).toBe('applied');
    const mtus = madeBy(result).filter((text) => text.includes('/mtu'));
    expect(mtus[0]).toContain('enp1s0f0/mtu: "9000"');
    expect(mtus).toHaveLength(8);
    expect(
      madeBy(result).filter((text) => text.startsWith('ip link set dev enp1s0f0 vf')),
    ).toHaveLength(1);
  });
});

test('a driver that makes fewer VFs than it was asked for is quoted, and the run is taken back', async () => {
  const host = simulateHost(treeView(tree), { faults: { shortCount: { [first]: 2 } } });
  const before = await declaredState(host.fs);
  const result = await apply(runOn(host, [{ vfs: 4 }]));
  expect(result.outcome).toBe('rolled-back');
  const [problem] = problemsOf(result);
  expect(problem).toMatchObject({ code: 'DRIVER_LIMIT' });
  expect(problem?.problem).toContain('has 2 VFs (2 virtfn links), 4 wanted');
  expect(problem?.problem).toContain('the driver made only 2 VFs');
  expect(await declaredState(host.fs)).toEqual(before);
});

describe('settings that only some cards have', () => {
  const vectors: Wish = { vfs: 2, settings: [{ vfs: [0], msix: 4 }] };
  const withPool = async () => {
    const host = await mlx5();
    await host.fs.writeFile(pciAttribute(first, 'sriov_vf_total_msix'), '16\n');
    return host;
  };
  const countOf = async (host: Host, index: number) =>
    readMsixCount(host, (await readPf(host.fs, first))?.vfs[index]?.address ?? '');

  test('interrupts are given to a VF that has no driver, which it gets again', async () => {
    const host = await withPool();
    await apply(runOn(host, [{ vfs: 2 }]));
    const usual = await countOf(host, 0);
    const result = await apply(runOn(host, [vectors]));
    expect(result).toMatchObject({ outcome: 'applied' });
    expect([await countOf(host, 0), await countOf(host, 1)]).toEqual([4, usual]);
    expect(await driversOf(host)).toEqual(['mlx5_core', 'mlx5_core']);
    expect(await apply(runOn(host, [vectors]))).toMatchObject({ outcome: 'in-sync' });
  });

  test('more interrupts than the pool has take the run back', async () => {
    const host = await withPool();
    const before = await declaredState(host.fs);
    const result = await apply(runOn(host, [{ vfs: 1, settings: [{ vfs: [0], msix: 17 }] }]));
    expect(result.outcome).toBe('rolled-back');
    expect(problemsOf(result)[0]?.problem).toContain('sriov_vf_msix_count');
    expect(await declaredState(host.fs)).toEqual(before);
  });

  test('GUIDs are set where the netdev is one of InfiniBand, and refused beforehand elsewhere', async () => {
    const nodeGuid = '00:11:22:33:44:55:66:77';
    const guid: Wish = { vfs: 1, settings: [{ vfs: [0], nodeGuid, portGuid: nodeGuid }] };
    const refused = await apply(runOn(await mlx5(), [guid]));
    expect(problemsOf(refused)[0]?.problem).toContain('node-guid (VF 0): EOPNOTSUPP');
    const host = await mlx5();
    await host.fs.writeFile(netAttribute('enp1s0f0', 'type'), '32\n');
    expect(await apply(runOn(host, [guid]))).toMatchObject({ outcome: 'applied' });
    const links = await readVfLinks(host, 'enp1s0f0');
    expect(links?.get(0)).toMatchObject({ nodeGuid, portGuid: nodeGuid });
  });
});

describe('a rate limit', () => {
  const rate: Wish = { vfs: 2, mtu: 2000, settings: [{ vfs: [0], maxTxRate: 100 }] };

  test('waits until the port has its link again after a change of the MTU', async () => {
    const host = simulated();
    const result = await apply(runOn(host, [rate]));
    expect(result).toMatchObject({ outcome: 'applied' });
    const settings = madeBy(result).filter((text) => /enp1s0f0\/mtu|max_tx_rate/.test(text));
    expect(settings).toEqual([
      expect.stringContaining('mtu: "2000"'),
      expect.stringContaining('max_tx_rate 100'),
    ]);
    expect((await readVfLinks(host, 'enp1s0f0'))?.get(0)?.maxTxRate).toBe(100);
  });

  test('is not tried without a link, which is named', async () => {
    const host = simulated();
    await host.perform({ kind: 'link', netdev: 'enp1s0f0', up: true });
    await host.fs.plant(netAttribute('enp1s0f0', 'carrier'), { content: '0\n', mode: 0o644 });
    const before = await declaredState(host.fs);
    const result = await apply(runOn(host, [{ ...rate, mtu: 1500 }]));
    expect(problemsOf(result)[0]?.problem).toContain(
      'waiting for a link of enp1s0f0, without which igb sets no rate',
    );
    expect(await declaredState(host.fs)).toEqual(before);
  });
});

describe('the switch', () => {
  const wish: Wish = { vfs: 2, eswitch: { mode: 'switchdev', inlineMode: 'transport' } };
  const order = (result: RunResult) =>
    madeBy(result).flatMap((text) => {
      if (text.includes('sriov_numvfs')) return ['VFs'];
      if (text.startsWith('devlink')) return ['switch'];
      return /bind|drivers_probe/.test(text) ? ['driver'] : [];
    });

  test('of mlx5 changes when the VFs are there and have no driver', async () => {
    const host = await mlx5();
    const result = await apply(runOn(host, [wish]));
    expect(result.outcome).toBe('applied');
    expect(order(result)).toEqual(['VFs', 'switch', 'driver', 'driver']);
    expect(await readEswitch(host, first)).toMatchObject(wish.eswitch ?? {});
    const pf = await readPf(host.fs, first);
    expect(pf && [...(await readRepresentors(host.fs, pf)).keys()].sort()).toEqual([0, 1]);
    expect(pf?.netdev).toBe('enp1s0f0');
    const [listed] = await readInventory(host.fs);
    expect(listed && pfsText([listed])).toContain('enp1s0f0_1');
    expect(await apply(runOn(host, [wish]))).toMatchObject({ outcome: 'in-sync' });
  });

  test('of mlx5 takes VFs from their driver while it changes, and gives them back', async () => {
    const host = await mlx5();
    await apply(runOn(host, [{ vfs: 2 }]));
    const result = await apply(runOn(host, [wish]));
    expect(result.outcome).toBe('applied');
    expect(order(result)).toEqual(['driver', 'driver', 'switch', 'driver', 'driver']);
    expect(await driversOf(host)).toEqual(['mlx5_core', 'mlx5_core']);
  });

  test('of ice changes before there are VFs, and is refused while there are', async () => {
    const host = await ice();
    const result = await apply(runOn(host, [wish]));
    expect(result.outcome).toBe('applied');
    expect(order(result).slice(0, 2)).toEqual(['switch', 'VFs']);
    const back = await apply(runOn(host, [{ vfs: 2, eswitch: { mode: 'legacy' } }]));
    expect(back.outcome).toBe('refused');
    expect(problemsOf(back)[0]).toMatchObject({ code: 'eswitch-without-vfs' });
  });

  test('goes back when a later change fails', async () => {
    const host = await mlx5();
    const before = await readEswitch(host, first);
    const whole = await apply(runOn(await mlx5(), [wish]));
    const last = madeBy(whole).length - 1;
    const result = await apply(runOn(failingHost(host, new Set([last])), [wish]));
    expect(result.outcome).toBe('rolled-back');
    expect(await readEswitch(host, first)).toEqual(before);
  });

  test('of a card that has none is refused before anything else', async () => {
    const host = simulated();
    const changed = host.fs.changes().length;
    const result = await apply(runOn(host, [wish]));
    expect(problemsOf(result)[0]).toMatchObject({ code: 'eswitch-there' });
    expect(host.fs.changes()).toHaveLength(changed);
  });
});
