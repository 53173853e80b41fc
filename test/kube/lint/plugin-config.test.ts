import { describe, expect, it } from 'vitest';
import { lintOverlap } from '../../../src/kube/lint/overlap.ts';
import { lintPluginConfig } from '../../../src/kube/lint/plugin-config.ts';
import { readPools } from '../../../src/kube/pools/read-pools.ts';
import type { ResolvedSpec } from '../../../src/resolved-spec.ts';
import { i350 } from '../host-tree.ts';
import { specOf } from '../test-cluster.ts';

const good = {
  resourcePrefix: 'example.com',
  resourceName: 'nics',
  selectors: [{ vendors: ['8086'], rootDevices: ['0000:01:00.0#0-3,6'] }],
};

const problemsOf = (...resourceList: object[]): string =>
  lintPluginConfig(JSON.stringify({ resourceList }))
    .map(({ problem }) => problem)
    .join('\n');

describe('what the device plugin takes without a word', () => {
  it('is nothing in a configuration as it should be', () => {
    expect(problemsOf(good)).toBe('');
    expect(problemsOf({ ...good, selectors: good.selectors[0] })).toBe('');
  });

  it.each([
    ['{', /no JSON object/],
    ['[]', /no JSON object/],
    ['{"resourceList": []}', /resourceList: .*1/],
    ['{"resources": []}', /resourceList/],
    ['{"resourceList": [{}], "x": 1}', /resourceName/],
  ])('%s', (text, problem) => {
    expect(
      lintPluginConfig(text)
        .map((one) => one.problem)
        .join('\n'),
    ).toMatch(problem);
  });

  it.each([
    [
      'an unknown key, which widens the match',
      { selectors: [{ pfName: ['x'], pfNames: ['y'] }] },
      /pfName/,
    ],
    ['a selector outside the selectors', { rootDevices: ['x'] }, /rootDevices/],
    ['a text instead of a list', { selectors: [{ vendors: '8086' }] }, /selectors\S*vendors/],
    ['no selectors at all', { selectors: null }, /selectors/],
    ['an empty list of selectors', { selectors: [] }, /selectors/],
    ['an unknown kind of device', { deviceType: 'netdevice' }, /deviceType/],
    ['a name that kubelet refuses', { resourceName: 'nics_' }, /resource name "nics_"/],
    ['a name that shells cannot read', { resourceName: 'my-nics' }, /resource name "my-nics"/],
    ['a reserved prefix', { resourcePrefix: 'node.kubernetes.io' }, /prefix/],
    [
      'a socket path that is too long',
      { resourcePrefix: `${'a'.repeat(60)}.example.com` },
      /too long/,
    ],
    ['no PF and no address', { selectors: [{ vendors: ['8086'] }] }, /may count PFs/],
    ['everything', { selectors: [{}] }, /may count PFs/],
    [
      'ids with 0x or in upper case',
      { selectors: [{ vendors: ['0x8086'], devices: ['154C'], pfNames: ['x'] }] },
      /vendors has "0x8086".*\n.*devices has "154C"/,
    ],
    ['a short address', { selectors: [{ pciAddresses: ['65:00.2'] }] }, /"65:00.2"/],
    [
      'two items of one PF',
      { selectors: [{ pfNames: ['ens1#0-3', 'ENS1#6'] }] },
      /only the first is read/,
    ],
    ['a blank in a range', { selectors: [{ pfNames: ['ens1#0-3, 5'] }] }, /first mistake/],
    ['a range backwards', { selectors: [{ pfNames: ['ens1#5-2'] }] }, /first mistake/],
    ['two #', { selectors: [{ pfNames: ['ens1#1#2'] }] }, /first mistake/],
    [
      'a root device that is a name',
      { selectors: [{ rootDevices: ['ens1#0'] }] },
      /no PCI address/,
    ],
    [
      'RDMA and vDPA',
      { selectors: [{ pfNames: ['x'], isRdma: true, vdpaType: 'vhost' }] },
      /isRdma and vdpaType/,
    ],
    ['sub-functions without their type', { deviceType: 'auxNetDevice' }, /auxTypes/],
  ])('is %s', (_what, change, problem) => {
    expect(problemsOf({ ...good, ...change })).toMatch(problem);
  });

  it('is one name for two pools', () => {
    expect(problemsOf(good, good)).toBe('example.com/nics is there twice');
  });

  it('is a VF that two pools ask for', async () => {
    const pools = [
      { name: 'some', vfs: '0-2' },
      { name: 'rest', vfs: '2-3' },
    ];
    const problemsIn = async (spec: ResolvedSpec) =>
      lintOverlap(await readPools(spec, i350())).map(({ problem }) => problem);
    expect(await problemsIn(specOf({ pools }))).toEqual([
      'example.com/rest and example.com/some both ask for 0000:02:11.0',
    ]);
    expect(await problemsIn({ ...specOf({ pools }), elsewhere: true })).toEqual([
      'example.com/rest and example.com/some both ask for VF 2 of 0000:01:00.0',
    ]);
  });
});
