import { describe, expect, it } from 'vitest';
import { keyRows } from '../../src/cli/spec-keys.ts';
import type { Command, Host } from '../../src/host.ts';
import { type NodeSpecInput, parseNodeSpec } from '../../src/spec/node-spec.ts';
import { resolveSpec } from '../../src/spec/resolve-spec.ts';
import { steps } from '../../src/steps/index.ts';
import { i350, port0 } from './host-tree.ts';
import { object, run, testHost, testNode } from './test-cluster.ts';

type Kube = NonNullable<NodeSpecInput['kube']>;

const stages = steps.filter(({ scope }) => scope === 'cluster');

/** A host with VFs on both ports, which is the node `node1`, and by its hostname `alias`, too. */
const hostOf = (said: string[]): Host => {
  const tree = i350();
  tree.setVfs({ ...port0, address: '0000:01:00.1', netdev: 'enp1s0f1' }, [
    { address: '0000:02:10.1', driver: 'igbvf' },
    { address: '0000:02:10.5', driver: 'igbvf' },
  ]);
  const alias = testNode('alias', {
    metadata: { name: 'alias', labels: { 'kubernetes.io/hostname': 'node1' } },
  });
  const crd = object({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'sriovresourcepolicies.sriovnetwork.k8snetworkplumbingwg.io' },
  });
  const host = testHost(tree, { objects: [testNode('node1'), alias, crd] });
  const hear = ({ argv, stdin = '' }: Command): void => {
    said.push(argv.join(' '), stdin);
  };
  return {
    ...host,
    query: (command) => {
      hear(command);
      return host.query(command);
    },
    perform: (action) => {
      if (action.kind === 'object') hear(action.command);
      return host.perform(action);
    },
  };
};

/** All that is said to kubectl in a run, without the marks of JSON in JSON. */
const saidWith = async (kube: Kube): Promise<string> => {
  const said: string[] = [];
  const host = hostOf(said);
  const pfs = ['enp1s0f0', 'enp1s0f1'].map((pf, at) => ({ pf, vfs: at === 0 ? 4 : 2 }));
  const spec = await resolveSpec(parseNodeSpec({ pfs, iommu: 'off', kube }), host);
  await run(stages, spec, host);
  return said
    .join('\n')
    .replaceAll(/\\n\s*|\\/g, '')
    .replaceAll('": ', '":');
};

interface Row {
  readonly key: string;
  readonly kube: Kube;
  /** What is said with it and not without it. */
  readonly says?: string;
  /** What is said without it and not with it. */
  readonly unsays?: string;
}

const two = (more: object): Kube => ({ pools: [{ name: 'one', ...more }] });
const tolerating = (toleration: NonNullable<Kube['tolerations']>[number]): Kube => ({
  tolerations: [toleration],
});

const rows: readonly Row[] = [
  { key: 'mode', kube: { mode: 'off' }, unsays: ' apply --server-side' },
  { key: 'namespace', kube: { namespace: 'net' }, says: '"namespace":"net"' },
  { key: 'resourcePrefix', kube: { resourcePrefix: 'x.org' }, says: '"resourcePrefix":"x.org"' },
  { key: 'resourceName', kube: { resourceName: 'fast' }, says: '"resourceName":"fast"' },
  { key: 'pools[].name', kube: two({}), says: '"resourceName":"one"' },
  { key: 'pools[].pfs', kube: two({ pfs: ['enp1s0f1'] }), unsays: '"0000:01:00.0#0-3"' },
  { key: 'pools[].vfs', kube: two({ vfs: '1' }), says: '"0000:01:00.0#1"' },
  { key: 'pools[].rdma', kube: two({ rdma: true }), says: '"isRdma":true' },
  { key: 'pools[].vhostNet', kube: two({ vhostNet: true }), says: '"needVhostNet":true' },
  {
    key: 'pools[].excludeTopology',
    kube: two({ excludeTopology: true }),
    says: '"excludeTopology":true',
  },
  { key: 'networkNamespace', kube: { networkNamespace: 'apps' }, says: '"namespace":"apps"' },
  { key: 'workload', kube: { workload: true }, says: '"name":"sriovctl-workload"' },
  { key: 'allocation', kube: { allocation: 'dra' }, says: '"kind":"DeviceClass"' },
  {
    key: 'draNamespace',
    kube: { allocation: 'dra', draNamespace: 'drivers' },
    says: '"namespace":"drivers"',
  },
  { key: 'multus', kube: { multus: 'thin' }, says: '/thin_entrypoint' },
  { key: 'multusMemory', kube: { multusMemory: '777Mi' }, says: '"memory":"777Mi"' },
  { key: 'canary', kube: { canary: false }, unsays: '"app":"sriovctl-canary"' },
  { key: 'images.multus', kube: { images: { multus: 'x/a:v1' } }, says: '"image":"x/a:v1"' },
  { key: 'images.sriovCni', kube: { images: { sriovCni: 'x/b:v1' } }, says: '"image":"x/b:v1"' },
  {
    key: 'images.devicePlugin',
    kube: { images: { devicePlugin: 'x/c:v1' } },
    says: '"image":"x/c:v1"',
  },
  {
    key: 'images.smoke',
    kube: { workload: true, images: { smoke: 'x/d:v1' } },
    says: '"image":"x/d:v1"',
  },
  { key: 'registry', kube: { registry: 'mirror.org' }, says: '"image":"mirror.org/' },
  { key: 'pullPolicy', kube: { pullPolicy: 'Never' }, says: '"imagePullPolicy":"Never"' },
  { key: 'nodeSelector', kube: { nodeSelector: { sriov: 'yes' } }, says: '"sriov":"yes"' },
  { key: 'tolerations[].key', kube: tolerating({ key: 'k8' }), says: '"key":"k8"' },
  {
    key: 'tolerations[].operator',
    kube: tolerating({ key: 'k8', operator: 'Equal', value: 'v' }),
    says: '"operator":"Equal"',
  },
  {
    key: 'tolerations[].value',
    kube: tolerating({ key: 'k8', value: 'v9' }),
    says: '"value":"v9"',
  },
  {
    key: 'tolerations[].effect',
    kube: tolerating({ operator: 'Exists', effect: 'PreferNoSchedule' }),
    says: '"effect":"PreferNoSchedule"',
  },
  { key: 'cni.binDir', kube: { cni: { binDir: '/x/bin' } }, says: '"path":"/x/bin"' },
  { key: 'cni.confDir', kube: { cni: { confDir: '/x/conf' } }, says: '"path":"/x/conf"' },
  {
    key: 'cni.privileged',
    kube: { cni: { privileged: true } },
    unsays:
      '"capabilities":{"drop":["ALL"]}},"resources":{"requests":{"cpu":"10m","memory":"20Mi"}',
  },
  { key: 'kubeconfig', kube: { kubeconfig: '/x/conf' }, says: '--kubeconfig=/x/conf' },
  { key: 'context', kube: { context: 'lab' }, says: '--context=lab' },
  { key: 'node', kube: { node: 'alias' }, says: '--field-manager=sriovctl-alias' },
];

describe('the keys of the spec’s `kube`', async () => {
  const usual = await saidWith({});

  it.each(rows)('$key takes effect', async ({ kube, says, unsays }) => {
    const said = await saidWith(kube);
    if (says !== undefined) {
      expect(usual).not.toContain(says);
      expect(said).toContain(says);
    }
    if (unsays !== undefined) {
      expect(usual).toContain(unsays);
      expect(said).not.toContain(unsays);
    }
  });

  it('are each tried; networks have tests of their own', () => {
    const keys = keyRows()
      .map(({ key }) => key)
      .filter(
        (key, _at, all) =>
          !all.some(
            (other) => /^(\.|\[\]\.)/.test(other.slice(key.length)) && other.startsWith(key),
          ),
      )
      .flatMap((key) => (key.startsWith('kube.') ? [key.slice('kube.'.length)] : []))
      .filter((key) => key !== 'networks');
    expect(rows.map(({ key }) => key)).toEqual(keys);
  });
});
