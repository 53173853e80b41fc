import { expect } from 'vitest';
import { scenario } from '../scenario.ts';

const test = scenario({ iommu: false });

test('without an IOMMU VFs do not go to vfio-pci, and nothing is changed', async ({ guest }) => {
  const words = ['--pf', 'enp1s0f0', '--vfs', '2', '--vf-driver', 'vfio-pci'];
  const refused = await guest.run([
    'sriovctl',
    'setup',
    ...words,
    '--no-kube',
    '--no-persist',
    '--skip',
    'iommu',
  ]);
  expect(refused).toMatchObject({ exitCode: 4 });
  expect(refused.stderr).toContain('no IOMMU translates for enp1s0f0');
  expect(await guest.sh('cat /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs')).toBe('0');
});
