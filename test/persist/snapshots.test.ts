import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { HostView } from '../../src/host.ts';
import { planBoot } from '../../src/persist/boot-plan.ts';
import { bootScript } from '../../src/persist/boot-script.ts';
import { installationOf } from '../../src/persist/installation.ts';
import type { ResolvedPf } from '../../src/resolved-spec.ts';
import { hostSteps } from '../../src/steps/index.ts';
import { simulateHost } from '../../src/sysfs/simulated-host.ts';
import { treeView } from '../../src/sysfs/tree-fs.ts';

/** Ten specs; what each installs is reviewed in snapshots/NAME.txt. */
const cases: Readonly<Record<string, readonly Omit<ResolvedPf, 'selector'>[]>> = {
  'four-vfs': [{ address: '0000:01:00.0', vfs: 4 }],
  'one-vf': [{ address: '0000:01:00.1', vfs: 1 }],
  'two-pfs': [
    { address: '0000:01:00.0', vfs: 4 },
    { address: '0000:01:00.1', vfs: 2 },
  ],
  'all-vfio': [{ address: '0000:01:00.0', vfs: 7, driver: 'vfio-pci' }],
  'vfio-range': [
    { address: '0000:01:00.0', vfs: 4, settings: [{ vfs: [2, 3], driver: 'vfio-pci' }] },
  ],
  'stable-macs': [{ address: '0000:01:00.0', vfs: 3, macPolicy: 'stable' }],
  'given-mac': [
    { address: '0000:01:00.0', vfs: 2, settings: [{ vfs: [1], mac: '02:00:00:00:00:01' }] },
  ],
  'vlan-and-trust': [
    {
      address: '0000:01:00.0',
      vfs: 4,
      settings: [
        { vfs: [0, 1, 2, 3], vlan: 100, qos: 3 },
        { vfs: [3], vlan: 200, qos: 0, trust: true, spoofCheck: false },
      ],
    },
  ],
  jumbo: [{ address: '0000:01:00.0', vfs: 4, mtu: 9000, settings: [{ vfs: [0, 1], mtu: 9000 }] }],
  everything: [
    {
      address: '0000:01:00.0',
      vfs: 6,
      mtu: 9000,
      macPolicy: 'stable',
      driver: 'vfio-pci',
      settings: [
        { vfs: [0, 1, 2], driver: 'kernel', mtu: 4000, vlan: 10 },
        { vfs: [5], spoofCheck: false, trust: true },
      ],
    },
    { address: '0000:01:00.1', vfs: 2, driver: 'vfio-pci' },
  ],
};

const view = (): HostView =>
  simulateHost(treeView(join(import.meta.dirname, '../../fixtures/i350-t2')));

describe('what is installed for the next boot', () => {
  test.for(Object.entries(cases))('%s', async ([name, pfs]) => {
    const host = view();
    const plans = await planBoot(
      hostSteps,
      {
        pfs: pfs.map((pf) => ({ ...pf, selector: pf.address })),
        iommu: 'auto',
        kube: { mode: 'off', namespace: 'kube-system', resourcePrefix: 'sriovctl.io' },
      },
      host,
    );
    const { files } = await installationOf('boot-unit', plans, host.fs);
    const texts = files.map(({ path, content, mode }) => {
      // The functions that every script starts with are in functions.sh.
      const text = path.endsWith('.sh') ? content.slice(content.indexOf('\npf_') + 1) : content;
      return `==== ${path} ${mode.toString(8)}\n${withoutHash(text)}`;
    });
    await expect(texts.join('\n')).toMatchFileSnapshot(`snapshots/${name}.txt`);
  });

  test('the functions that every boot script starts with', async () => {
    await expect(bootScript([]).split('main() {')[0]).toMatchFileSnapshot('snapshots/functions.sh');
  });
});

/** The hash of the script changes with every comment in it. */
const withoutHash = (text: string): string => text.replaceAll(/[0-9a-f]{64}/g, '(sha256)');
