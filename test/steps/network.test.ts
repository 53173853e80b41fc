import { describe, expect, it } from 'vitest';
import type { NetworkSpec } from '../../src/resolved-spec.ts';
import { devicePlugin } from '../../src/steps/device-plugin.ts';
import { multus } from '../../src/steps/multus.ts';
import { network } from '../../src/steps/network.ts';
import { sriovCni } from '../../src/steps/sriov-cni.ts';
import { i350 } from '../kube/host-tree.ts';
import { changesOf, problemsOf, run, specOf, testHost } from '../kube/test-cluster.ts';

const stages = [multus, sriovCni, devicePlugin, network];
const local: NetworkSpec = { name: 'net', ipam: { type: 'host-local', subnet: '10.9.0.0/24' } };

describe('the network stage', () => {
  it('wants the kind of networks first', async () => {
    const result = await run([network], specOf(), testHost(i350()));
    expect(problemsOf(result)).toMatch(/no matches for kind "NetworkAttachmentDefinition"/);
    expect(result.outcome).not.toBe('applied');
  });

  it('refuses a network whose plugins the node does not have', async () => {
    const tree = i350();
    tree.files.set('/opt/cni/bin/loopback', '');
    const result = await run(stages, specOf({ networks: [local] }), testHost(tree));
    expect(problemsOf(result)).toBe('the CNI plugins host-local are not in /opt/cni/bin');
    tree.files.set('/opt/cni/bin/host-local', '');
    expect(problemsOf(await run(stages, specOf({ networks: [local] }), testHost(tree)))).toBe('');
  });

  it('refuses settings that a plugin would ignore or take wrong', async () => {
    const networks = [{ name: 'net', vlan: 4095 }];
    const result = await run(stages, specOf({ networks }), testHost(i350()));
    expect(problemsOf(result)).toMatch(/sriov: vlan/);
  });

  it('changes a network in place, and takes away what is no longer wanted of it', async () => {
    const host = testHost(i350());
    await run(stages, specOf({ networks: [{ name: 'net', vlan: 5 }] }), host);
    const result = await run(stages, specOf({ networks: [{ name: 'net', vlan: 6 }] }), host);
    expect(problemsOf(result)).toBe('');
    expect(changesOf(result)).toEqual(['apply NetworkAttachmentDefinition net']);
    expect(await host.cluster.record()).toMatch(/\\"vlan\\":6/);
  });

  it('goes on teardown, and leaves those of others', async () => {
    const host = testHost(i350());
    await run(stages, specOf(), host);
    await run([network], specOf(), host, [], 'teardown');
    const { items } = JSON.parse((await host.cluster.record()) ?? '') as {
      items: { kind: string }[];
    };
    expect(items.map(({ kind }) => kind)).not.toContain('NetworkAttachmentDefinition');
  });
});
