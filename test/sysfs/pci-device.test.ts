import { expect, test } from 'vitest';
import { readSriov } from '../../src/sysfs/pci-device.ts';
import { simulateHost } from '../../src/sysfs/simulated-host.ts';
import { treeView } from '../../src/sysfs/tree-fs.ts';
import { pf, port } from './i350.ts';

test('the id of the VFs has four digits where the kernel writes fewer', async () => {
  const { fs } = simulateHost(treeView('fixtures/i350-t2'));
  await fs.writeFile(`${pf}/sriov_vf_device`, '728\n');
  expect((await readSriov(fs, port))?.vfDevice).toBe('0728');
});
