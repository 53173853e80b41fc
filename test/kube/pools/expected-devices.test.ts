import { describe, expect, it } from 'vitest';
import { expectedDevices } from '../../../src/kube/pools/expected-devices.ts';
import type { PoolConfig, SelectorConfig } from '../../../src/kube/pools/plugin-config.ts';
import { HostTree, i350, i350Vfs, port0 } from '../host-tree.ts';

const pool = (resourceName: string, ...selectors: SelectorConfig[]): PoolConfig => ({
  resourcePrefix: 'example.com',
  resourceName,
  selectors,
});

const expectedOf = async (tree: HostTree, ...resourceList: PoolConfig[]) =>
  Object.fromEntries(await expectedDevices(tree, { resourceList }));

const vfs = i350Vfs(4).map(({ address }) => address);

describe('the devices that the plugin will find', () => {
  it('include the other port’s PF when only the vendor is asked for: five instead of four', async () => {
    const tree = new HostTree('node1')
      .addPf({ ...port0, vfs: i350Vfs(4) })
      .addPf({ address: '0000:01:00.1', device: '1521', driver: 'igb', netdev: 'enp1s0f1' });
    const found = await expectedOf(tree, pool('nics', { vendors: ['8086'] }));
    expect(found['example.com/nics']).toEqual(['0000:01:00.1', ...vfs]);
  });

  it('leave a PF out that has VFs', async () => {
    const found = await expectedOf(i350(), pool('pf', { pciAddresses: ['0000:01:00.0'] }));
    expect(found['example.com/pf']).toEqual([]);
  });

  it('leave out what has no driver', async () => {
    const tree = i350();
    tree.setDriver('0000:02:10.4', undefined);
    const found = await expectedOf(tree, pool('vfs', { rootDevices: ['0000:01:00.0'] }));
    expect(found['example.com/vfs']).toEqual(vfs.filter((address) => address !== '0000:02:10.4'));
  });

  it('match a PF’s name in any case, and ids in lower case only', async () => {
    const found = await expectedOf(
      i350(),
      pool('name', { pfNames: ['ENP1S0F0#0'] }),
      pool('id', { vendors: ['8086'], devices: ['1520'], rootDevices: ['0000:01:00.0#1'] }),
      pool('upper', { vendors: ['8086 '], rootDevices: ['0000:01:00.0'] }),
    );
    expect(found).toEqual({
      'example.com/name': ['0000:02:10.0'],
      'example.com/id': ['0000:02:10.4'],
      'example.com/upper': [],
    });
  });

  it('take only the first item of a PF, and none with two #', async () => {
    const found = await expectedOf(
      i350(),
      pool('twice', { pfNames: ['enp1s0f0#0', 'enp1s0f0#2'] }),
      pool('odd', { rootDevices: ['0000:01:00.0#1#2'] }),
    );
    expect(found).toEqual({ 'example.com/twice': ['0000:02:10.0'], 'example.com/odd': [] });
  });

  it('go to the first pool that matches', async () => {
    const found = await expectedOf(
      i350(),
      pool('some', { rootDevices: ['0000:01:00.0#1-2'] }),
      pool('rest', { rootDevices: ['0000:01:00.0'] }),
    );
    expect(found).toEqual({
      'example.com/some': [vfs[1], vfs[2]],
      'example.com/rest': [vfs[0], vfs[3]],
    });
  });

  it('may match any of several selectors', async () => {
    const found = await expectedOf(
      i350(),
      pool('any', { pciAddresses: ['0000:02:10.0'] }, { pciAddresses: ['0000:05:00.0'] }),
    );
    expect(found['example.com/any']).toEqual(['0000:02:10.0', '0000:05:00.0']);
  });

  it('must be capable of RDMA where that is asked for', async () => {
    const tree = i350();
    const [first, ...rest] = i350Vfs(4);
    tree.setVfs(port0, [{ ...(first ?? port0), rdma: true }, ...rest]);
    const found = await expectedOf(tree, pool('rdma', { isRdma: true }));
    expect(found['example.com/rdma']).toEqual(['0000:02:10.0']);
  });

  it('tell link types by the netdev, or by the PF’s when the VF’s is in a pod', async () => {
    const tree = i350();
    for (const path of tree.files.keys())
      if (path.includes('0000:02:10.0/net/')) tree.files.delete(path);
    const found = await expectedOf(
      tree,
      pool('ib', { linkTypes: ['infiniband'] }),
      pool('eth', { linkTypes: ['ether'], rootDevices: ['0000:01:00.0#0'] }),
    );
    expect(found).toEqual({ 'example.com/ib': [], 'example.com/eth': ['0000:02:10.0'] });
  });

  it('are not predicted where sysfs does not tell', async () => {
    expect(await expectedOf(i350(), pool('ddp', { ddpProfiles: ['GTPv1'] }))).toEqual({});
  });
});
