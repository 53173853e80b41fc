import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HostError } from '../../src/errors.ts';
import type { Host } from '../../src/host.ts';
import { pciAttribute } from '../../src/sysfs/paths.ts';
import { type PhysicalFunction, readPf } from '../../src/sysfs/pci-device.ts';
import { simulateHost } from '../../src/sysfs/simulated-host.ts';
import { foretellFailure } from '../../src/sysfs/sriov-limits.ts';
import { treeView } from '../../src/sysfs/tree-fs.ts';

const open = (tree: string): Host =>
  simulateHost(treeView(join(import.meta.dirname, '../../fixtures', tree)));

const pfOf = async (host: Host, address: string): Promise<PhysicalFunction> => {
  const pf = await readPf(host.fs, address);
  if (pf === undefined) throw new Error(`no PF at ${address}`);
  return pf;
};

const create = (host: Host, address: string, count: number): Promise<void> =>
  host.perform({
    kind: 'attribute',
    path: pciAttribute(address, 'sriov_numvfs'),
    value: String(count),
  });

/** What a write to sriov_numvfs ends with: an errno, or undefined. */
const errnoOfCreating = async (host: Host, address: string, count: number) => {
  try {
    await create(host, address, count);
    return undefined;
  } catch (error) {
    if (error instanceof HostError) return error.errno;
    throw error;
  }
};

const igb = '0000:01:00.0';

describe('creating VFs is foretold to fail', () => {
  test.each([
    {
      tree: 'limits-mmio',
      pf: '0000:02:00.0',
      count: 1,
      errno: 'ENOMEM',
      code: 'NO_MMIO_SPACE',
      says: 'the VF BARs are unassigned',
    },
    {
      tree: 'limits-bus-numbers',
      pf: igb,
      count: 4,
      errno: 'ENOMEM',
      code: 'NO_BUS_NUMBERS',
      says: "can't enable 4 VFs (bus 02 out of range of [bus 01])",
    },
    {
      tree: 'limits-driver',
      pf: igb,
      count: 4,
      errno: 'ENOENT',
      code: 'DRIVER_WITHOUT_SRIOV',
      says: 'mlx4_core',
    },
    {
      tree: 'limits-firmware',
      pf: igb,
      count: 4,
      errno: 'ERANGE',
      code: 'NO_VFS_OFFERED',
      says: 'sriov_totalvfs is 0',
    },
    {
      tree: 'limits-read-only',
      pf: igb,
      count: 4,
      errno: 'EROFS',
      code: 'SYS_READ_ONLY',
      says: 'read-only',
    },
    {
      tree: 'i350-t2',
      pf: igb,
      count: 8,
      errno: 'ERANGE',
      code: 'TOO_MANY_VFS',
      says: 'at most 7',
    },
  ])('on $tree with $code, where the write gives $errno', async (given) => {
    const host = open(given.tree);
    const problem = await foretellFailure(host.fs, await pfOf(host, given.pf), given.count);
    expect(problem).toMatchObject({ code: given.code });
    expect(problem?.problem).toContain(given.says);
    expect(await errnoOfCreating(host, given.pf, given.count)).toBe(given.errno);
  });

  test('when one of the VF BARs that the card is known to have is unassigned', async () => {
    const host = open('limits-one-vf-bar');
    const problem = await foretellFailure(host.fs, await pfOf(host, igb), 4);
    expect(problem).toMatchObject({ code: 'NO_MMIO_SPACE' });
    expect(problem?.problem).toContain('VF BAR 3 is unassigned');
  });

  test('when the PF has no driver', async () => {
    const host = open('82576-qemu');
    await host.perform({ kind: 'trigger', path: '/sys/bus/pci/drivers/igb/unbind', value: igb });
    const problem = await foretellFailure(host.fs, await pfOf(host, igb), 4);
    expect(problem).toMatchObject({ code: 'NO_PF_DRIVER' });
    expect(await errnoOfCreating(host, igb, 4)).toBe('ENOENT');
  });

  test('when vfio-pci has the PF, unless its parameter lets it make VFs', async () => {
    const host = open('82576-qemu');
    await host.perform({ kind: 'module', module: 'vfio-pci' });
    await host.perform({ kind: 'trigger', path: '/sys/bus/pci/drivers/igb/unbind', value: igb });
    await host.perform({
      kind: 'attribute',
      path: pciAttribute(igb, 'driver_override'),
      value: 'vfio-pci',
    });
    await host.perform({ kind: 'trigger', path: '/sys/bus/pci/drivers_probe', value: igb });
    const pf = await pfOf(host, igb);
    expect(pf.driver).toBe('vfio-pci');
    expect(await foretellFailure(host.fs, pf, 4)).toMatchObject({ code: 'DRIVER_WITHOUT_SRIOV' });

    const parameter = '/sys/module/vfio_pci/parameters/enable_sriov';
    await host.perform({ kind: 'attribute', path: parameter, value: 'Y' });
    expect(await foretellFailure(host.fs, pf, 4)).toBeUndefined();
    expect(await errnoOfCreating(host, igb, 4)).toBeUndefined();
  });

  test('with the number that would fit behind the bridge', async () => {
    const host = open('82576-qemu');
    const pf = await pfOf(host, igb);
    const crowded = { ...pf, sriov: { ...pf.sriov, offset: 250, stride: 2 } };
    const problem = await foretellFailure(host.fs, crowded, 7);
    expect(problem?.hint).toContain('3 VFs fit');
    expect(await foretellFailure(host.fs, crowded, 3)).toBeUndefined();
    expect(await foretellFailure(host.fs, crowded, 4)).toMatchObject({ code: 'NO_BUS_NUMBERS' });
  });
});

test('a failure is foretold exactly where the kernel refuses', async () => {
  const trees = ['82576-qemu', 'i350-t2', 'limits-bus-numbers', 'limits-firmware', 'limits-driver'];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...trees),
      fc.integer({ min: 0, max: 20 }),
      async (tree, count) => {
        const host = open(tree);
        const foretold = await foretellFailure(host.fs, await pfOf(host, igb), count);
        const errno = await errnoOfCreating(host, igb, count);
        expect(foretold === undefined).toBe(errno === undefined);
      },
    ),
    { numRuns: 100 },
  );
});
