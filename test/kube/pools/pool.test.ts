import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectedDevices } from '../../../src/kube/pools/expected-devices.ts';
import { poolConfig, resourceOf } from '../../../src/kube/pools/pool.ts';
import { readPools } from '../../../src/kube/pools/read-pools.ts';
import type { KubeSpec } from '../../../src/resolved-spec.ts';
import { HostTree, i350, i350Vfs, port0, type TestFunction } from '../host-tree.ts';
import { specOf } from '../test-cluster.ts';

const poolsIn = (tree: HostTree, kube: Partial<KubeSpec> = {}, pfs = [firstPort]) =>
  readPools({ ...specOf(kube), pfs }, tree);

const firstPort = { address: '0000:01:00.0', selector: 'enp1s0f0', vfs: 4 };
const bothPorts = [firstPort, { address: '0000:01:00.1', selector: 'enp1s0f1', vfs: 4 }];

/** Some VFs of two PFs, each with a kernel driver, vfio-pci or none; some indexes have no VF. */
const driver = fc.constantFrom<string | undefined>('igbvf', 'vfio-pci', 'iavf', undefined);
const vfsOf = (bus: string) =>
  fc
    .array(fc.option(driver, { nil: null }), { maxLength: 12 })
    .map((drivers) =>
      drivers.map((one, index): TestFunction | undefined =>
        one === null
          ? undefined
          : { address: `0000:${bus}:${index.toString(16).padStart(2, '0')}.0`, driver: one },
      ),
    );

describe('pools made from VFs', () => {
  it('are one for the four VFs of a PF, keyed by its address', async () => {
    const [pool, ...more] = await poolsIn(i350());
    expect(more).toEqual([]);
    expect(pool && poolConfig(pool)).toEqual({
      resourcePrefix: 'example.com',
      resourceName: 'sriov_enp1s0f0',
      selectors: [
        {
          vendors: ['8086'],
          devices: ['1520'],
          drivers: ['igbvf'],
          rootDevices: ['0000:01:00.0#0-3'],
        },
      ],
    });
  });

  it('count four VFs and never the PF beside them', async () => {
    const tree = i350();
    const config = { resourceList: (await poolsIn(tree)).map(poolConfig) };
    expect(await expectedDevices(tree, config)).toEqual(
      new Map([['example.com/sriov_enp1s0f0', i350Vfs(4).map(({ address }) => address)]]),
    );
  });

  it('keep VFs of vfio-pci apart', async () => {
    const tree = i350();
    tree.setVfs(port0, [...i350Vfs(2), ...i350Vfs(5, 'vfio-pci').slice(2)]);
    const pools = await poolsIn(tree);
    expect(pools.map(poolConfig).map(({ selectors }) => selectors[0]?.rootDevices)).toEqual([
      ['0000:01:00.0#0-1'],
      ['0000:01:00.0#2-4'],
    ]);
    expect(pools.map(({ name, kind }) => [name, kind])).toEqual([
      ['sriov_enp1s0f0', 'kernel'],
      ['sriov_enp1s0f0_vfio', 'vfio'],
    ]);
  });

  it('share one resource when a name is given, with one item a PF', async () => {
    const tree = i350();
    const second = { ...port0, address: '0000:01:00.1', netdev: 'enp1s0f1' };
    tree.setVfs(second, [{ address: '0000:02:10.1', driver: 'igbvf' }]);
    const pools = await poolsIn(tree, { resourceName: 'Fast-Net' }, bothPorts);
    expect(pools.map(resourceOf)).toEqual(['example.com/fast_net']);
    expect(pools.map(poolConfig)[0]?.selectors[0]?.rootDevices).toEqual([
      '0000:01:00.0#0-3',
      '0000:01:00.1#0',
    ]);
  });

  it('take their PFs by the name in the spec, by netdev or by address, and no others', async () => {
    const pool = (pf: string) => poolsIn(i350(), { pools: [{ name: 'one', pfs: [pf] }] });
    for (const pf of ['enp1s0f0', '0000:01:00.0', '01:00.0']) {
      expect(
        (await pool(pf)).map(({ members }) => members.length),
        pf,
      ).toEqual([4]);
    }
    await expect(pool('enp1s0f1')).rejects.toThrow(/none of those in the spec/);
  });

  it('are named as the spec names the PF', async () => {
    for (const [selector, name] of [
      ['enp1s0f0', 'sriov_enp1s0f0'],
      ['01:00.0', 'sriov_0000_01_00_0'],
      ['a0:36:9f:8c:1d:44', 'sriov_0000_01_00_0'],
    ] as const) {
      const pools = await poolsIn(i350(), {}, [{ ...firstPort, selector }]);
      expect(pools.map((pool) => pool.name)).toEqual([name]);
    }
  });

  it('hold each VF with a driver exactly once, and nothing else, by the plugin’s own rules', async () => {
    await fc.assert(
      fc.asyncProperty(
        vfsOf('02'),
        vfsOf('03'),
        fc.option(fc.constant('shared'), { nil: undefined }),
        async (first, second, resourceName) => {
          const tree = new HostTree('node1')
            .addPf({ ...port0, vfs: first })
            .addPf({ address: '0000:01:00.1', driver: 'igb', netdev: 'enp1s0f1', vfs: second })
            .addNic({ address: '0000:05:00.0', driver: 'r8169', netdev: 'enp5s0' });
          const kube = resourceName === undefined ? {} : { resourceName };
          const pools = await poolsIn(tree, kube, bothPorts);
          const expected = await expectedDevices(tree, { resourceList: pools.map(poolConfig) });
          const offered = [...expected.values()].flat();
          const withDriver = [...first, ...second].flatMap((vf) =>
            vf?.driver === undefined ? [] : [vf.address],
          );
          expect(offered.toSorted()).toEqual(withDriver.toSorted());
          for (const pool of pools) {
            expect(expected.get(resourceOf(pool))?.toSorted()).toEqual(
              pool.members.map(({ vf }) => vf.address).toSorted(),
            );
            const isVfio = pool.members.map(({ vf }) => vf.driver === 'vfio-pci');
            expect(new Set(isVfio).size).toBe(1);
          }
        },
      ),
    );
  });
});
