import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Host } from '../../../src/host.ts';
import { requireCluster } from '../../../src/kube/cluster.ts';
import { kubeSettings } from '../../../src/kube/defaults.ts';
import { diffObjects } from '../../../src/kube/diff.ts';
import { installerRole } from '../../../src/kube/installer-role.ts';
import { objectAt, parseJson, textAt } from '../../../src/kube/json.ts';
import { nadCrd } from '../../../src/kube/manifests/multus-crd.ts';
import { objectsIn } from '../../../src/kube/object.ts';
import { readPools } from '../../../src/kube/pools/read-pools.ts';
import { allWanted, everyKind } from '../../../src/kube/wanted.ts';
import type { KubeSpec, ResolvedSpec } from '../../../src/resolved-spec.ts';
import { devicePlugin } from '../../../src/steps/device-plugin.ts';
import { dra } from '../../../src/steps/dra.ts';
import { multus } from '../../../src/steps/multus.ts';
import { network } from '../../../src/steps/network.ts';
import { sriovCni } from '../../../src/steps/sriov-cni.ts';
import { i350, i350Vfs, port0 } from '../host-tree.ts';
import { changesOf, problemsOf, run, specOf } from '../test-cluster.ts';
import { apiHost, createNode, Kubelets } from './api-host.ts';
import { assets, type ControlPlane, startControlPlane } from './control-plane.ts';
import { installDraDriver, removeDraDriver } from './dra-driver.ts';
import { everything, versions } from './everything.ts';

const stages = [multus, sriovCni, devicePlugin, network];

describe.skipIf(assets === undefined)('the Kubernetes stages on a real API server', () => {
  let plane: ControlPlane;
  const spec = (kube: Partial<KubeSpec> = {}): ResolvedSpec =>
    specOf({ kubeconfig: plane.kubeconfig, ...kube });

  beforeAll(async () => {
    plane = await startControlPlane(assets ?? '');
  });
  afterAll(() => plane.stop());

  beforeEach(() => createNode(plane, 'node1'));
  // Also what a case has left that failed: the next one begins with an empty cluster.
  afterEach(async () => {
    const label = '--selector=app.kubernetes.io/managed-by=sriovctl';
    const { kubectl } = plane;
    const remove = (...args: string[]) => kubectl(['delete', '--ignore-not-found', ...args]);
    await remove('daemonsets.apps', '--all-namespaces', '--all');
    await remove('configmaps,serviceaccounts', '--all-namespaces', label);
    await remove('clusterroles,clusterrolebindings', label);
    await remove('crds', nadCrd.metadata.name);
    await remove('configmap', 'sriovdp-config', '--namespace=kube-system');
    await remove('pods', '--all-namespaces', '--all', '--force', '--grace-period=0');
    await remove('nodes', '--all');
  });

  it('are applied once, and a second run leaves every resourceVersion as it was', async () => {
    const host = apiHost(plane, i350());
    const first = await run(stages, spec(), host);
    expect(problemsOf(first)).toBe('');
    expect(first.outcome).toBe('applied');
    const before = versions(await everything(plane));

    const second = await run(stages, spec(), host);
    expect(problemsOf(second)).toBe('');
    expect(changesOf(second)).toEqual([]);
    expect(second.outcome).toBe('in-sync');
    expect(versions(await everything(plane))).toEqual(before);
  });

  it('take out on teardown all that they brought', async () => {
    const before = Object.keys(versions(await everything(plane)));
    const host = apiHost(plane, i350());
    await run(stages, spec(), host);
    const result = await run(stages.toReversed(), spec(), host, [], 'teardown');
    expect(problemsOf(result)).toBe('');
    expect(Object.keys(versions(await everything(plane)))).toEqual(before);
    expect(await plane.kubectl(['get', 'nodes', '-o', 'json'])).not.toMatch('sriovctl/');
  });

  it('leave two nodes that are set up at once with a key each, and let one go without the other', async () => {
    await createNode(plane, 'node2');
    const kubelets = new Kubelets(plane);
    const hosts = [i350('node1'), i350('node2')].map((tree) => apiHost(plane, tree, kubelets));
    const results = await Promise.all(hosts.map((host) => run(stages, spec(), host)));
    expect(results.map(problemsOf)).toEqual(['', '']);
    expect(Object.keys(objectAt(await configMap(), 'data')).sort()).toEqual(['node1', 'node2']);
    for (const host of hosts) expect((await run(stages, spec(), host)).outcome).toBe('in-sync');

    const [first, second] = hosts as [Host, Host];
    await run(stages.toReversed(), spec(), first, [], 'teardown');
    expect(Object.keys(objectAt(await configMap(), 'data'))).toEqual(['node2']);
    expect((await run(stages, spec(), second)).outcome).toBe('in-sync');
    const gone = await run(stages.toReversed(), spec(), second, [], 'teardown');
    expect(problemsOf(gone)).toBe('');
    expect(
      await everything(plane).then((all) =>
        all.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
      ),
    ).toEqual(['Node node1', 'Node node2']);
  });

  it('name the manager of a field that is someone else’s, and take it over only with permission', async () => {
    await plane.kubectl(
      ['apply', '--server-side', '--field-manager=someone', '--filename=-'],
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'sriovdp-config', namespace: 'kube-system' },
        data: { node1: '{}', other: '{}' },
      }),
    );
    const host = apiHost(plane, i350());
    const refused = await run(stages, spec(), host);
    expect(problemsOf(refused)).toMatch(/\.data\.node1 \(owned by someone\)/);
    expect(objectAt(await configMap(), 'data')['node1']).toBe('{}');

    const forced = await run(stages, spec(), host, ['force-conflicts']);
    expect(problemsOf(forced)).toBe('');
    expect(objectAt(await configMap(), 'data')['other']).toBe('{}');
    expect(objectAt(await configMap(), 'data')['node1']).toMatch('0000:01:00.0#0-3');
  });

  it('say which rights are missing, and write nothing', async () => {
    await allow(plane, 'viewer', ['get', 'list']);
    const before = versions(await everything(plane));
    const kubeconfig = plane.kubeconfigFor('viewer');
    const result = await run(stages, spec({ kubeconfig }), apiHost(plane, i350()));
    expect(result.outcome).toBe('refused');
    expect(problemsOf(result)).toMatch(/may not .*patch daemonsets\.apps in kube-system/);
    expect(versions(await everything(plane))).toEqual(before);
  });

  it('need no more than the role that is printed for them', async () => {
    const host = apiHost(plane, i350());
    await allowPrinted(plane, 'printed', spec());
    const own = spec({ kubeconfig: plane.kubeconfigFor('printed') });
    const result = await run(stages, own, host);
    expect(problemsOf(result)).toBe('');
    expect((await run(stages, own, host)).outcome).toBe('in-sync');
    const gone = await run(stages.toReversed(), own, host, [], 'teardown');
    expect(problemsOf(gone)).toBe('');
  });

  it('show as a diff what they would change, and nothing afterwards', async () => {
    const host = apiHost(plane, i350());
    const cluster = await requireCluster(spec().kube, host);
    const settings = kubeSettings(spec().kube);
    const wanted = allWanted(settings, 'node1', await readPools(spec(), host.fs));
    const before = versions(await everything(plane));
    const text = await diffObjects(cluster, host, wanted);
    expect(text).toMatch(/^\+.*kube-sriov-device-plugin/m);
    expect(text).toMatch('NetworkAttachmentDefinition default/sriov-enp1s0f0');
    expect(versions(await everything(plane))).toEqual(before);
    await run(stages, spec(), host);
    expect(await diffObjects(cluster, host, wanted)).toBe('');
  });

  it('say that a user may not even look', async () => {
    const kubeconfig = plane.kubeconfigFor('installer');
    const result = await run(stages, spec({ kubeconfig }), apiHost(plane, i350()));
    expect(problemsOf(result)).toMatch(/no cluster is reachable: .*User "installer" cannot get/);
    const auto = await run(stages, spec({ kubeconfig, mode: 'auto' }), apiHost(plane, i350()));
    expect(auto.steps.map(({ status }) => status)).toEqual(stages.map(() => 'skipped'));
  });

  it('tell what is left when the API server goes away, and go on when it is back', async () => {
    const host = apiHost(plane, i350());
    let writes = 0;
    try {
      const result = await run(stages, spec(), {
        ...host,
        perform: async (action) => {
          writes += 1;
          if (writes === 4) await plane.killApiServer();
          await host.perform(action);
        },
      });
      expect(result.outcome).toBe('rollback-incomplete');
      expect(problemsOf(result)).toMatch(/refused|EOF|reset/);
      expect(result.leftover.join('\n')).toMatch('multus');
    } finally {
      await plane.startApiServer();
    }
    const again = await run(stages, spec(), apiHost(plane, i350()));
    expect(problemsOf(again)).toBe('');
    expect((await run(stages, spec(), apiHost(plane, i350()))).outcome).toBe('in-sync');
  });

  it('leave a kind of networks that was there before as it is', async () => {
    await createForeignCrd(plane);
    const crd = () => plane.kubectl(['get', 'crd', nadCrd.metadata.name, '-o', 'json']);
    await plane.kubectl([
      ...['wait', '--for=condition=Established', '--timeout=50s'],
      `crd/${nadCrd.metadata.name}`,
    ]);
    const before = await crd();
    const host = apiHost(plane, i350());
    expect(problemsOf(await run(stages, spec(), host))).toBe('');
    expect(await crd()).toBe(before);
    await run(stages.toReversed(), spec(), host, [], 'teardown');
    expect(await crd()).toBe(before);
  });

  it('use a Multus that others installed, and refuse another device plugin', async () => {
    await foreignDaemonSet(plane, 'rke2-multus', 'example.com/hardened-multus-cni:v1');
    const host = apiHost(plane, i350());
    expect(problemsOf(await run([multus], spec(), host))).toMatch(/NetworkAttachmentDefinition/);
    await createForeignCrd(plane);
    const reused = await run([multus], spec(), host);
    expect(problemsOf(reused)).toBe('');
    expect(changesOf(reused)).toEqual([]);

    await foreignDaemonSet(plane, 'their-plugin', 'example.com/sriov-network-device-plugin:v3');
    const result = await run(stages, spec(), apiHost(plane, i350()));
    expect(problemsOf(result)).toMatch(
      /another SR-IOV device plugin runs on this node \(DaemonSet kube-system\/their-plugin\)/,
    );
  });

  it('refuse a namespace whose pod security forbids privileged pods', async () => {
    const label = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    await plane.kubectl(
      ['create', '--filename=-'],
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: 'guarded', labels: label },
      }),
    );
    const before = versions(await everything(plane));
    const result = await run(stages, spec({ namespace: 'guarded' }), apiHost(plane, i350()));
    expect(result.outcome).toBe('refused');
    expect(problemsOf(result)).toMatch(
      /namespace guarded enforces the pod security level restricted/,
    );
    expect(versions(await everything(plane))).toEqual(before);
  });

  it('make a namespace of their own', async () => {
    const host = apiHost(plane, i350());
    const result = await run(stages, spec({ namespace: 'sriov' }), host);
    expect(problemsOf(result)).toBe('');
    expect((await run(stages, spec({ namespace: 'sriov' }), host)).outcome).toBe('in-sync');
  });

  it('restart the plugin once when its VFs changed, and put the old configuration back on a failure', async () => {
    const tree = i350();
    const host = apiHost(plane, tree);
    await run(stages, spec(), host);
    const before = objectAt(await configMap(), 'data')['node1'];
    tree.setVfs(port0, i350Vfs(6));
    const stopped = await run([devicePlugin], spec(), {
      ...host,
      perform: async (action) => {
        const isRestart = action.kind === 'object' && action.object.kind === 'Pod';
        if (isRestart) throw new Error('stopped here');
        await host.perform(action);
      },
    });
    expect(stopped.outcome).toBe('rolled-back');
    expect(objectAt(await configMap(), 'data')['node1']).toBe(before);

    const result = await run([devicePlugin], spec(), host);
    expect(problemsOf(result)).toBe('');
    expect(changesOf(result)).toEqual([
      'apply ConfigMap sriovdp-config',
      'delete Pod kube-sriov-device-plugin@node1',
    ]);
    expect((await run(stages, spec(), host)).outcome).toBe('in-sync');
  });

  it('hand the VFs to a DRA driver instead of the plugin, and never to both', async (context) => {
    const { kubectl } = plane;
    const minor = textAt(
      parseJson(await kubectl(['version', '-o', 'json'])),
      'serverVersion',
      'minor',
    );
    context.skip(Number.parseInt(minor ?? '', 10) < 34, 'resource.k8s.io/v1 came with 1.34');
    const host = apiHost(plane, i350());
    const kubeconfig = plane.kubeconfigFor('printed-dra');
    const own = spec({ allocation: 'dra', kubeconfig });
    await allowPrinted(plane, 'printed-dra', own);
    const all = [multus, sriovCni, devicePlugin, dra, network];
    expect(problemsOf(await run(all, own, host))).toMatch(/no SR-IOV DRA driver is installed/);

    await installDraDriver(plane, i350Vfs(4));
    try {
      expect(problemsOf(await run(all, own, host))).toBe('');
      const before = versions(await everything(plane));
      expect(Object.keys(before)).not.toContain('DaemonSet kube-sriov-device-plugin');
      const [deviceClass] = objectsIn(
        parseJson(await kubectl(['get', 'deviceclasses', '-o', 'json'])),
      );
      const extended =
        Number.parseInt(minor ?? '', 10) < 36 ? undefined : 'example.com/sriov_enp1s0f0';
      expect(textAt(deviceClass, 'spec', 'extendedResourceName')).toBe(extended);
      expect((await run(all, own, host)).outcome).toBe('in-sync');
      expect(versions(await everything(plane))).toEqual(before);

      // The spec of a teardown need not say what that of the setup did.
      const gone = await run(all.toReversed(), spec({ kubeconfig }), host, [], 'teardown');
      expect(problemsOf(gone)).toBe('');
      expect(objectsIn(parseJson(await kubectl(['get', 'deviceclasses', '-o', 'json'])))).toEqual(
        [],
      );

      expect(problemsOf(await run(stages, spec(), host))).toBe('');
      expect(problemsOf(await run(all, own, apiHost(plane, i350())))).toMatch(
        /a device plugin offers example\.com\/sriov_enp1s0f0 on node1/,
      );
    } finally {
      await removeDraDriver(plane);
    }
  });

  const configMap = async () => {
    const args = ['get', 'configmap', 'sriovdp-config', '--namespace=kube-system', '-o', 'json'];
    return parseJson(await plane.kubectl(args));
  };
});

/** Grants a user what the printed role has for a spec, and no more. */
const allowPrinted = async ({ kubectl }: ControlPlane, user: string, { kube }: ResolvedSpec) => {
  const role = installerRole(everyKind(kubeSettings(kube), 'node1'));
  const name = `system:test-${user}`;
  await kubectl(['create', '--filename=-'], JSON.stringify({ ...role, metadata: { name } }));
  await kubectl(['create', 'clusterrolebinding', name, `--clusterrole=${name}`, `--user=${user}`]);
};

/** The kind of networks as someone else brings it: without our label. */
const createForeignCrd = async ({ kubectl }: ControlPlane) => {
  const crd = { ...nadCrd, metadata: { name: nadCrd.metadata.name } };
  await kubectl(['create', '--filename=-'], JSON.stringify(crd));
};

/** Lets a user do something with everything. */
const allow = async ({ kubectl }: ControlPlane, user: string, verbs: readonly string[]) => {
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: `system:test-${user}` },
    rules: [{ apiGroups: ['*'], resources: ['*'], verbs }],
  };
  await kubectl(['create', '--filename=-'], JSON.stringify(role));
  const name = `system:test-${user}`;
  await kubectl(['create', 'clusterrolebinding', name, `--clusterrole=${name}`, `--user=${user}`]);
};

/** A DaemonSet of others with a pod on node1. */
const foreignDaemonSet = async ({ kubectl }: ControlPlane, name: string, image: string) => {
  const labels = { app: name };
  const spec = { nodeName: 'node1', containers: [{ name: 'main', image }] };
  const daemonSet = {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace: 'kube-system' },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
  const made = await kubectl(['create', '--filename=-', '-o', 'json'], JSON.stringify(daemonSet));
  const uid = textAt(parseJson(made), 'metadata', 'uid');
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name, uid }];
  const metadata = { name: `${name}-1`, namespace: 'kube-system', labels, ownerReferences };
  await kubectl(
    ['create', '--filename=-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec }),
  );
};
