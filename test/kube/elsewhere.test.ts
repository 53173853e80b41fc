import { describe, expect, it } from 'vitest';
import { verify } from '../../src/engine/verify.ts';
import type { Host } from '../../src/host.ts';
import { nodeSettings } from '../../src/kube/node-settings.ts';
import { siteOf } from '../../src/kube/stage.ts';
import type { KubeSpec, ResolvedSpec } from '../../src/resolved-spec.ts';
import { parseNodeSpec } from '../../src/spec/node-spec.ts';
import { declareSpec } from '../../src/spec/resolve-spec.ts';
import type { Step } from '../../src/step.ts';
import { devicePlugin } from '../../src/steps/device-plugin.ts';
import { dra } from '../../src/steps/dra.ts';
import { multus } from '../../src/steps/multus.ts';
import { network } from '../../src/steps/network.ts';
import { sriovCni } from '../../src/steps/sriov-cni.ts';
import { HostTree, i350, i350Vfs, port0 } from './host-tree.ts';
import { changesOf, object, problemsOf, run, specOf, testHost, testNode } from './test-cluster.ts';

const stages = [multus, sriovCni, devicePlugin, network];

const ofWorker = (kube: Partial<KubeSpec> = {}, vfs = 4): ResolvedSpec => ({
  ...specOf({ node: 'worker1', ...kube }, vfs),
  pfs: [{ address: '0000:01:00.0', selector: '0000:01:00.0', vfs }],
});

/** What a workstation is told of a node; it has a card of its own at the same address. */
const declared = (...what: Parameters<typeof ofWorker>): ResolvedSpec => ({
  ...ofWorker(...what),
  elsewhere: true,
});

const workstation = (node = testNode('worker1')) =>
  testHost(i350('laptop'), { objects: [node, testNode('other')] });

const keyOf = async (host: ReturnType<typeof testHost>, node: string): Promise<unknown> => {
  const { items } = JSON.parse((await host.cluster.record()) ?? '') as {
    items: { metadata: { name: string }; data?: Record<string, string> }[];
  };
  const key = items.find(({ metadata }) => metadata.name === 'sriovdp-config')?.data?.[node];
  return key === undefined ? undefined : JSON.parse(key);
};

const look = (steps: readonly Step[], spec: ResolvedSpec, host: Host) =>
  verify({
    steps,
    spec,
    host,
    listener: () => undefined,
  });

const resultsOf = async (steps: readonly Step[], spec: ResolvedSpec, host: Host) =>
  new Map(
    (await look(steps, spec, host)).steps.flatMap(({ checks }) =>
      checks.map(({ check, result }) => [check.id, result] as const),
    ),
  );

describe('a node that is not this host', () => {
  it('gets its key by what is declared of it, and this host’s card at the same address is not looked at', async () => {
    const host = workstation();
    const result = await run(stages, declared({}, 6), host);
    expect(problemsOf(result)).toBe('');
    expect(await keyOf(host, 'worker1')).toEqual({
      resourceList: [
        {
          resourcePrefix: 'example.com',
          resourceName: 'sriov_0000_01_00_0',
          selectors: [{ rootDevices: ['0000:01:00.0#0-5'] }],
        },
      ],
    });
    expect(await keyOf(host, 'laptop')).toBeUndefined();
    expect((await run(stages, declared({}, 6), host)).outcome).toBe('in-sync');
  });

  it('is verified by numbers, and what is seen on the node alone is said to be left out', async () => {
    const host = workstation();
    await run(stages, declared(), host);
    const results = await resultsOf(stages, declared(), host);
    expect(results.get('allocatable')).toEqual({
      status: 'pass',
      detail: 'worker1 offers example.com/sriov_0000_01_00_0: 4',
    });
    expect(results.get('registered')).toEqual({
      status: 'skip',
      because: 'which VFs kubelet has registered is seen on worker1 alone',
    });
  });

  it('has drifted where it offers another number than is declared', async () => {
    const host = workstation();
    await run(stages, declared(), host);
    const status = { allocatable: { 'example.com/sriov_0000_01_00_0': '5' } };
    await host.cluster.apply({
      kind: 'object',
      object: testNode('worker1'),
      command: {
        argv: ['kubectl', 'apply', '--field-manager=kubelet', '--force-conflicts'],
        stdin: JSON.stringify({ ...testNode('worker1'), status }),
      },
    });
    const results = await resultsOf(stages, declared(), host);
    expect(results.get('allocatable')).toEqual({
      status: 'pending',
      awaited: 'example.com/sriov_0000_01_00_0 on worker1 to be 4, it is 5',
    });
  });

  it('does not have its CNI plugins looked for on this host', async () => {
    const networks = [
      { name: 'net', ipam: { type: 'host-local', subnet: '10.9.0.0/24' } as const },
    ];
    const results = await resultsOf([network], declared({ networks }), workstation());
    expect(results.get('network-plugins')).toEqual({
      status: 'skip',
      because: 'whether it has host-local is seen on worker1 alone',
    });
  });

  it('keeps what it has published itself of its VFs, whose ids are not declared', async () => {
    const tree = i350('worker1');
    const objects = [testNode('worker1')];
    const there = testHost(tree, { objects });
    expect(problemsOf(await run(stages, ofWorker(), there))).toBe('');
    const before = await keyOf(there, 'worker1');

    const here: Host = { ...there, fs: new HostTree('laptop') };
    expect(changesOf(await run(stages, declared(), here))).toEqual([]);
    tree.setVfs(port0, i350Vfs(6));
    const more = await run([devicePlugin], declared({}, 6), here);
    expect(changesOf(more)[0]).toBe('apply ConfigMap sriovdp-config');
    expect(JSON.stringify(await keyOf(there, 'worker1'))).toBe(
      JSON.stringify(before).replace('#0-3', '#0-5'),
    );
  });

  it('has a pool for each kind of driver that its VFs are declared to have', async () => {
    const host = workstation();
    const spec = declared();
    const [pf] = spec.pfs;
    const mixed = pf && {
      ...pf,
      settings: [{ vfs: [2, 3], driver: 'vfio-pci' }],
    };
    await run([devicePlugin], { ...spec, pfs: mixed === undefined ? [] : [mixed] }, host);
    expect(await keyOf(host, 'worker1')).toMatchObject({
      resourceList: [
        { selectors: [{ rootDevices: ['0000:01:00.0#0-1'] }] },
        { selectors: [{ drivers: ['vfio-pci'], rootDevices: ['0000:01:00.0#2-3'] }] },
      ],
    });
  });

  it('cannot be told to a DRA driver, which takes addresses', async () => {
    const crd = object({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'sriovresourcepolicies.sriovnetwork.k8snetworkplumbingwg.io' },
    });
    const host = testHost(i350('laptop'), { objects: [testNode('worker1'), crd] });
    const result = await run([dra], declared({ allocation: 'dra' }), host);
    expect(result.outcome).toBe('refused');
    expect(problemsOf(result)).toMatch(
      /addresses of the VFs of 0000:01:00.0 are not known on this host/,
    );
  });

  it('is none that a run on this host is about', async () => {
    const result = await run(stages, ofWorker(), workstation());
    expect(result.outcome).toBe('refused');
    expect(problemsOf(result)).toMatch(/worker1 is another node than this host/);
  });

  it('loses what it was given, and nothing on this host is removed for it', async () => {
    const tree = i350('laptop');
    tree.files.set('/opt/cni/bin/sriov', '');
    tree.files.set('/etc/cni/net.d/00-multus.conf', '{"type":"multus-shim"}');
    const host = testHost(tree, { objects: [testNode('worker1')] });
    await run(stages, declared(), host);
    const result = await run(stages.toReversed(), declared({}, 0), host, [], 'teardown');
    expect(problemsOf(result)).toBe('');
    expect(await keyOf(host, 'worker1')).toBeUndefined();
    expect(tree.files.has('/opt/cni/bin/sriov')).toBe(true);
    expect(tree.files.has('/etc/cni/net.d/00-multus.conf')).toBe(true);
  });

  it('has its CNI folders as its distribution is known to have them, and then as the DaemonSets do', async () => {
    const k3s = testNode('worker1', { status: { nodeInfo: { kubeletVersion: 'v1.34.2+k3s1' } } });
    const host = workstation(k3s);
    const folders = {
      binDir: '/var/lib/rancher/k3s/data/cni',
      confDir: '/var/lib/rancher/k3s/agent/etc/cni/net.d',
    };
    expect((await siteOf(declared(), host)).settings.cni).toEqual(folders);
    const cni = { binDir: '/own/bin', confDir: '/own/conf', privileged: true };
    await run(stages, declared({ cni }), host);
    const { settings } = await siteOf(declared(), { ...host });
    expect(settings.cni).toEqual({ binDir: '/own/bin', confDir: '/own/conf' });
    expect(settings.privilegedCni).toBe(true);
  });

  it('has the usual folders where no cluster is asked, whatever this host has', async () => {
    const tree = i350('laptop');
    tree.files.set('/var/lib/rancher/k3s/data/cni/loopback', '');
    const { cni } = await nodeSettings(declared(), testHost(tree));
    expect(cni).toEqual({ binDir: '/opt/cni/bin', confDir: '/etc/cni/net.d' });
  });
});

describe('the spec of a node that is not this host', () => {
  const parse = (pfs: Parameters<typeof parseNodeSpec>[0]['pfs']) =>
    declareSpec(parseNodeSpec({ pfs }));

  it('names PFs by address, in any spelling', () => {
    expect(parse([{ pf: '65:00.1', vfs: 2, driver: 'vfio-pci' }])).toMatchObject({
      pfs: [{ address: '0000:65:00.1', vfs: 2, driver: 'vfio-pci' }],
      elsewhere: true,
    });
  });

  it.each([
    ['a name', { pf: 'enp1s0f0', vfs: 2 }],
    ['a MAC', { pf: '00:1b:21:00:00:01', vfs: 2 }],
    ['a kind', { match: { vendor: '8086' }, vfs: 2 }],
  ])('does not name them by %s', (_what, entry) => {
    expect(() => parse([entry])).toThrow(/on another node cannot be looked up from here/);
  });

  it('names each once', () => {
    const twice = [
      { pf: '0000:65:00.1', vfs: 2 },
      { pf: '65:00.1', vfs: 2 },
    ];
    expect(() => parse(twice)).toThrow(/are the same PF/);
  });
});
