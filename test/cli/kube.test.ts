import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demo, sriovctl, temporaryFolder } from './built.ts';

const folder = temporaryFolder();
afterAll(folder.remove);
const inFolder = (name: string): string => join(folder.path, name);

interface Recorded {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
}

const objectsOf = (tree: string): readonly Recorded[] => {
  const text = readFileSync(join(tree, 'cluster/objects.json'), 'utf8');
  return (JSON.parse(text) as { items: Recorded[] }).items;
};

const keyOf = (tree: string, node: string): string | undefined =>
  objectsOf(tree).find(({ metadata }) => metadata.name === 'sriovdp-config')?.data?.[node];

/** The demo host with its VFs, and more objects in its recorded cluster. */
const withObjects = (name: string, ...more: readonly object[]): string => {
  const tree = inFolder(name);
  cpSync(inFolder('set'), tree, { recursive: true, verbatimSymlinks: true });
  const items = [...objectsOf(tree), ...more];
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  writeFileSync(join(tree, 'cluster/objects.json'), list);
  return tree;
};

beforeAll(async () => {
  const args = ['--simulate', demo, '--only', 'driver,vfs', '--pf', 'enp1s0f0=4'];
  const made = await sriovctl('setup', ...args, '--simulate-out', inFolder('set'));
  expect(made).toMatchObject({ exitCode: 0 });
});

/** The demo host is worker-1, with a card of its own at this address. */
const ofControl = ['--node', 'control-1', '--pf', '0000:01:00.0', '--vfs', '2'] as const;

describe('from a host that is not the node', () => {
  test('the node is set up by what is declared, verified by numbers, and left again', async () => {
    const [applied, left] = [inFolder('applied'), inFolder('left')];
    const made = await sriovctl(
      ...['kube', 'apply', '--simulate', demo, ...ofControl, '--simulate-out', applied],
    );
    expect(made.stderr).toContain('✔ device-plugin');
    expect(made).toMatchObject({ exitCode: 0 });
    expect(keyOf(applied, 'control-1')).toContain('0000:01:00.0#0-1');
    expect(keyOf(applied, 'worker-1')).toBeUndefined();

    const seen = await sriovctl('kube', 'verify', '--simulate', applied, ...ofControl);
    expect(seen).toMatchObject({ exitCode: 0 });
    expect(seen.stdout).toContain('control-1 offers sriovctl.io/sriov_0000_01_00_0: 2');
    expect(seen.stdout).toContain(
      'skipped, which VFs kubelet has registered is seen on control-1 alone',
    );
    const strange = await sriovctl(
      'kube',
      'verify',
      '--simulate',
      applied,
      ...ofControl.slice(0, 4),
    );
    expect(strange).toMatchObject({ exitCode: 2 });
    const other = await sriovctl(
      ...['kube', 'verify', '--simulate', applied, ...ofControl.slice(0, 5), '4'],
    );
    expect(other).toMatchObject({ exitCode: 1 });
    expect(await sriovctl('kube', 'diff', '--simulate', applied, ...ofControl)).toMatchObject({
      exitCode: 0,
    });

    const gone = await sriovctl(
      ...['kube', 'teardown', '--simulate', applied, '--node', 'control-1'],
      ...['--simulate-out', left],
    );
    expect(gone).toMatchObject({ exitCode: 0 });
    expect(gone.stderr).toContain('left in their folders on control-1 goes with');
    expect(keyOf(left, 'control-1')).toBeUndefined();
    expect(objectsOf(left).map(({ kind }) => kind)).not.toContain('NetworkAttachmentDefinition');
  });

  test('its entry of a spec file for many nodes is read', async () => {
    const config = inFolder('nodes.yaml');
    writeFileSync(
      config,
      `nodes:
  - match: {hostname: worker-*}
    spec: {pfs: [{pf: enp1s0f0, vfs: 7}]}
  - match: {hostname: control-*}
    spec:
      pfs:
        - {pf: "0000:65:00.1", vfs: 6, settings: [{vfs: 4-5, driver: vfio-pci}]}
      kube: {resourceName: fast}
`,
    );
    const args = ['--simulate', demo, '--config', config, '--node', 'control-1'];
    const tree = inFolder('many');
    const made = await sriovctl('kube', 'apply', ...args, '--simulate-out', tree);
    expect(made).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(keyOf(tree, 'control-1') ?? '')).toMatchObject({
      resourceList: [
        { resourceName: 'fast', selectors: [{ rootDevices: ['0000:65:00.1#0-3'] }] },
        { resourceName: 'fast_vfio', selectors: [{ rootDevices: ['0000:65:00.1#4-5'] }] },
      ],
    });
  });

  test('a diagnosis says what it could not look at', async () => {
    const { exitCode, stdout } = await sriovctl(
      ...['kube', 'diagnose', '--simulate', demo, '--node', 'control-1'],
    );
    expect(exitCode).toBe(0);
    expect(stdout).toContain('None of the known failures is there.');
    expect(stdout).toMatch(/- skipped: which VFs kubelet has registered.*control-1 alone/s);
    const here = await sriovctl('kube', 'diagnose', '--simulate', demo);
    expect(here.stdout).toBe('None of the known failures is there.');
  });

  test('its PFs are not looked up by names that this host may have, too', async () => {
    const args = ['--simulate', demo, '--node', 'control-1', '--pf', 'enp1s0f0=2'];
    const refused = await sriovctl('kube', 'apply', ...args);
    expect(refused).toMatchObject({ exitCode: 2 });
    expect(refused.stderr).toContain('PF_ELSEWHERE');
  });

  test('no host stage is run for it', async () => {
    const refused = await sriovctl('setup', '--simulate', demo, ...ofControl);
    expect(refused).toMatchObject({ exitCode: 4 });
    expect(refused.stderr).toContain('control-1 is another node than this host');
  });

  test('its objects are rendered without a cluster or a card', async () => {
    const { exitCode, stdout } = await sriovctl(
      ...['kube', 'render', '--node', 'node-that-is-nowhere', '--pf', '0000:65:00.1=3'],
    );
    expect(exitCode).toBe(0);
    expect(stdout).toContain('0000:65:00.1#0-2');
    expect(stdout).toContain('node-that-is-nowhere: ');
  });
});

describe('what others manage', () => {
  const theirKey = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'sriovdp-config',
      namespace: 'kube-system',
      managedFields: [
        {
          manager: 'kubectl-edit',
          operation: 'Update',
          fieldsV1: { 'f:data': { 'f:worker-1': {}, 'f:other': {} } },
        },
      ],
    },
    data: { 'worker-1': '{}', other: '{}' },
  };
  const apply = ['kube', 'apply', '--pf', 'enp1s0f0', '--vfs', '4'] as const;

  test('is named with its manager and stays, until --force-conflicts takes it over', async () => {
    const tree = withObjects('conflict', theirKey);
    const [refusedTree, forcedTree] = [inFolder('refused'), inFolder('forced')];
    const refused = await sriovctl(
      ...[...apply, '--simulate', tree, '--simulate-out', refusedTree],
    );
    expect(refused).toMatchObject({ exitCode: 4 });
    expect(refused.stderr).toMatch(/\.data\.worker-1 \(owned by\s+kubectl-edit\)/);
    expect(refused.stderr).toContain('--force-conflicts');
    expect(() => objectsOf(refusedTree)).toThrow(/ENOENT/);

    const forced = await sriovctl(
      ...[...apply, '--simulate', tree, '--force-conflicts', '--simulate-out', forcedTree],
    );
    expect(forced).toMatchObject({ exitCode: 0 });
    expect(keyOf(forcedTree, 'worker-1')).toContain('0000:01:00.0#0-3');
    expect(keyOf(forcedTree, 'other')).toBe('{}');
  });

  test('ends a run where the SR-IOV network operator has the node, with the policies that would fit', async () => {
    const name = 'sriov-network-config-daemon';
    const namespace = 'sriov-network-operator';
    const containers = [{ name, image: 'example.org/sriov-network-config-daemon:v1' }];
    const tree = withObjects(
      'operator',
      {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata: { name, namespace },
        spec: { template: { spec: { containers } } },
      },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name: `${name}-1`,
          namespace,
          ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name }],
        },
        spec: { nodeName: 'worker-1', containers },
      },
    );
    const refused = await sriovctl(
      ...[...apply, '--vf', '2-3:driver=vfio-pci', '--pf', '01:00.1=2', '--simulate', tree],
    );
    expect(refused).toMatchObject({ exitCode: 4 });
    expect(refused.stderr).toMatchSnapshot();
  });
});
