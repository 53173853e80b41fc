import { join } from 'node:path';
import { expect, test } from 'vitest';
import { continuationOf, type RebootFlags } from '../../src/cli/reboot.ts';
import { simulateHost } from '../../src/sysfs/simulated-host.ts';
import { treeView } from '../../src/sysfs/tree-fs.ts';

const host = simulateHost(treeView(join(import.meta.dirname, '../../fixtures/i350-t2')));
const asked: RebootFlags = { pf: [{ pf: 'enp1s0f0', vfs: 4 }], reboot: true };

const line = (unit: string, name: string): string =>
  unit
    .split('\n')
    .find((each) => each.startsWith(`${name}=`))
    ?.slice(name.length + 1) ?? '';

const specIn = (unit: string): unknown =>
  JSON.parse(Buffer.from(line(unit, 'StandardInputData'), 'base64').toString());

test('what goes on after the reboot is the same setup, and does not reboot again', async () => {
  const flags = { only: ['iommu', 'vfs'], recreate: true, forceConflicts: true };
  const unit = await continuationOf({ ...asked, ...flags }, host);
  expect(specIn(unit)).toMatchObject({ pfs: [{ pf: 'enp1s0f0', vfs: 4 }], iommu: 'auto' });
  expect(line(unit, 'ExecStart')).toMatch(
    /"setup" "--config=\/dev\/stdin" "--only=iommu,vfs" "--recreate" "--force-conflicts"$/,
  );
});

test('where buses are numbered anew a PF is found again by its MAC', async () => {
  const unit = await continuationOf({ ...asked, kernelArg: ['pci=assign-busses'] }, host);
  expect(specIn(unit)).toMatchObject({ pfs: [{ pf: 'a0:36:9f:8c:1d:44', vfs: 4 }] });
});
