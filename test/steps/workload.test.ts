import { describe, expect, it } from 'vitest';
import { kubeSettings } from '../../src/kube/defaults.ts';
import { workloadPod } from '../../src/kube/manifests/workload.ts';
import { readPools } from '../../src/kube/pools/read-pools.ts';
import { devicePlugin } from '../../src/steps/device-plugin.ts';
import { multus } from '../../src/steps/multus.ts';
import { network } from '../../src/steps/network.ts';
import { sriovCni } from '../../src/steps/sriov-cni.ts';
import { workload } from '../../src/steps/workload.ts';
import { i350 } from '../kube/host-tree.ts';
import { changesOf, kubeSpec, problemsOf, run, specOf, testHost } from '../kube/test-cluster.ts';
import { validate } from '../kube/validate.ts';

describe('the workload stage', () => {
  it('is skipped unless a sample pod is asked for', async () => {
    expect(await workload.skip?.(specOf(), testHost(i350()))).toBe('no sample workload is wanted');
    expect(await workload.skip?.(specOf({ workload: true }), testHost(i350()))).toBeUndefined();
  });

  it('runs once the node offers what the pod asks for', async () => {
    const host = testHost(i350());
    const spec = specOf({ workload: true });
    const result = await run([multus, sriovCni, devicePlugin, network, workload], spec, host);
    expect(problemsOf(result)).toBe('');
    expect((await run([workload], spec, host)).outcome).toBe('in-sync');
  });

  it('starts the pod, and says at the deadline what it waited for', async () => {
    const result = await run([workload], specOf({ workload: true }), testHost(i350()));
    expect(changesOf(result)).toEqual(['apply Pod sriovctl-workload']);
    expect(problemsOf(result)).toMatch(/Timed out waiting for Pod default\/sriovctl-workload/);
  });

  it('takes the pod away on teardown', async () => {
    const host = testHost(i350());
    for (const { action } of await workload.plan(specOf(), host)) await host.perform(action);
    expect(await host.cluster.record()).toMatch('sriovctl-workload');
    await run([workload], specOf({ workload: true }), host, [], 'teardown');
    expect(await host.cluster.record()).not.toMatch('"name": "sriovctl-workload"');
  });

  it('makes a pod that the schema takes, which goes through the scheduler', async () => {
    const [pool] = await readPools(specOf(), i350());
    if (pool === undefined) throw new Error('no pool');
    const pod = workloadPod(kubeSettings(kubeSpec), {
      name: 'w',
      node: 'node1',
      pool,
      network: { name: 'net' },
    });
    validate(pod);
    expect(pod.spec?.nodeName).toBeUndefined();
    expect(pod.spec?.containers[0]?.resources?.requests).toEqual({
      'example.com/sriov_enp1s0f0': '1',
    });
  });
});
