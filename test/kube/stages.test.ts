import { describe, expect, it } from 'vitest';
import { devicePlugin } from '../../src/steps/device-plugin.ts';
import { multus } from '../../src/steps/multus.ts';
import { network } from '../../src/steps/network.ts';
import { sriovCni } from '../../src/steps/sriov-cni.ts';
import { i350 } from './host-tree.ts';
import { changesOf, problemsOf, run, specOf, testHost } from './test-cluster.ts';

const stages = [multus, sriovCni, devicePlugin, network];

describe('the Kubernetes stages together', () => {
  it('bring a bare cluster to a node that offers its four VFs, and change nothing on a second run', async () => {
    const host = testHost(i350());
    const first = await run(stages, specOf(), host);
    expect(problemsOf(first)).toBe('');
    expect(first.outcome).toBe('applied');
    expect(changesOf(first)).toMatchInlineSnapshot(`
      [
        "apply Pod sriovctl-canary-before-node1",
        "wait Pod sriovctl-canary-before-node1",
        "delete Pod sriovctl-canary-before-node1",
        "apply Node node1",
        "apply CustomResourceDefinition network-attachment-definitions.k8s.cni.cncf.io",
        "apply ServiceAccount multus",
        "apply ClusterRole multus",
        "apply ClusterRoleBinding multus",
        "apply ConfigMap multus-daemon-config",
        "apply DaemonSet kube-multus-ds",
        "apply Pod sriovctl-canary-after-node1",
        "wait Pod sriovctl-canary-after-node1",
        "delete Pod sriovctl-canary-after-node1",
        "apply Node node1",
        "apply DaemonSet kube-sriov-cni-ds",
        "apply Node node1",
        "apply ConfigMap sriovdp-config",
        "apply ServiceAccount sriov-device-plugin",
        "apply DaemonSet kube-sriov-device-plugin",
        "apply NetworkAttachmentDefinition sriov-enp1s0f0",
      ]
    `);

    const second = await run(stages, specOf(), host);
    expect(second.outcome).toBe('in-sync');
    expect(changesOf(second)).toEqual([]);
  });
});
