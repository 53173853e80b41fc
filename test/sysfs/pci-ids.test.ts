import { expect, test } from 'vitest';
import { readPciIds } from '../../src/sysfs/pci-ids.ts';
import { simulateHost } from '../../src/sysfs/simulated-host.ts';
import { treeView } from '../../src/sysfs/tree-fs.ts';

const hostWith = async (path: `/${string}`, text: string) => {
  const host = simulateHost(treeView('fixtures/i350-t2'));
  await host.fs.remove('/usr/share/misc/pci.ids');
  await host.perform({ kind: 'file', path, content: text });
  return host;
};

const text = `# A comment
10ee  Xilinx Corporation

8086  Intel Corporation
\t10c9  82576 Gigabit Network Connection
\t\t103c 31ef  NC362i
# between
\t\t8086 a01c  Gigabit ET
\t1520  I350 Ethernet Controller Virtual Function
9005  Adaptec
\t1520  not of Intel
C 02  Network controller
\t00  Ethernet controller
\t\t01  with an interface
`;

test('names are found at their own level and below their own vendor', async () => {
  const { fs } = await hostWith('/usr/share/hwdata/pci.ids', text);
  const names = await readPciIds(fs);
  expect(names.vendor('10ee')).toBe('Xilinx Corporation');
  expect(names.vendor('10c9')).toBeUndefined();
  expect(names.device('8086', '1520')).toBe('I350 Ethernet Controller Virtual Function');
  expect(names.device('9005', '1520')).toBe('not of Intel');
  expect(names.device('10ee', '1520')).toBeUndefined();
  const port = { vendor: '8086', device: '10c9', subVendor: '8086' };
  expect(names.subsystem({ ...port, subDevice: 'a01c' })).toBe('Gigabit ET');
  expect(names.subsystem({ ...port, subDevice: '1520' })).toBeUndefined();
  expect(names.class('020000')).toBe('Ethernet controller');
  expect(names.class('ff0000')).toBeUndefined();
});

test('a host without pci.ids knows no names', async () => {
  const { fs } = await hostWith('/etc/none', '');
  expect((await readPciIds(fs)).vendor('8086')).toBeUndefined();
});
