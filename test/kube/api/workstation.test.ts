import { chmodSync, copyFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { objectAt, parseJson } from '../../../src/kube/json.ts';
import { devicePlugin } from '../../../src/steps/device-plugin.ts';
import { multus } from '../../../src/steps/multus.ts';
import { network } from '../../../src/steps/network.ts';
import { sriovCni } from '../../../src/steps/sriov-cni.ts';
import { i350 } from '../host-tree.ts';
import { problemsOf, run, specOf } from '../test-cluster.ts';
import { apiHost, createNode, Kubelets, patchStatus } from './api-host.ts';
import { assets, type ControlPlane, startControlPlane } from './control-plane.ts';
import { everything, versions } from './everything.ts';

const root = join(import.meta.dirname, '../../..');
const resource = 'sriovctl.io/sriov_0000_01_00_0';

/** This machine is the workstation: it has no such PF, and is no node of the cluster. */
describe.skipIf(assets === undefined)('the built program on a workstation', () => {
  const tree = i350('node1');
  let folder: string;
  let plane: ControlPlane;
  let kubelets: Kubelets;
  let user: { readonly uid?: number; readonly gid?: number } = {};

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sriovctl-workstation-'));
    plane = await startControlPlane(assets ?? '');
    kubelets = new Kubelets(plane);
    kubelets.trees.set('node1', tree);
    await createNode(plane, 'node1');
    cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
    chmodSync(folder, 0o755);
    copyFileSync(plane.kubeconfig, join(folder, 'kubeconfig'));
    chmodSync(join(folder, 'kubeconfig'), 0o644);
    user = await unprivileged();
  });
  afterAll(async () => {
    await plane.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Root gives itself up, where others may start Node.js and kubectl. */
  const unprivileged = async () => {
    const nobody = { uid: 65_534, gid: 65_534 };
    if (process.geteuid?.() !== 0) return {};
    const tries = [
      [process.execPath, '--version'],
      [join(assets ?? '', 'kubectl'), 'version', '--client'],
    ] as const;
    for (const [program, ...args] of tries) {
      const { exitCode } = await execa(program, args, { ...nobody, cwd: folder, reject: false });
      if (exitCode !== 0) return {};
    }
    return nobody;
  };

  /** The cluster goes on living while the program waits for it. */
  const sriovctl = async (...args: readonly string[]) => {
    let ended = false as boolean;
    const program = [join(folder, 'dist/sriovctl.mjs'), ...args];
    const answer = execa(process.execPath, [...program, '--kubeconfig', 'kubeconfig'], {
      cwd: folder,
      reject: false,
      env: { PATH: `${assets ?? ''}:${process.env['PATH'] ?? ''}`, HOME: folder },
      ...user,
    }).finally(() => {
      ended = true;
    });
    while (!ended) {
      await kubelets.play().catch(() => undefined);
      await sleep(300);
    }
    return answer;
  };

  const wanted = ['--node', 'node1', '--pf', '0000:01:00.0', '--vfs', '4'] as const;

  const keyOfNode = async (): Promise<unknown> => {
    const args = ['get', 'configmap', 'sriovdp-config', '--namespace=kube-system', '-o', 'json'];
    return objectAt(parseJson(await plane.kubectl(args)), 'data')['node1'];
  };

  it('sets a node up by what is declared of it, and changes nothing the second time', async () => {
    const first = await sriovctl('kube', 'apply', ...wanted);
    expect(first.stderr).toContain('✔ network');
    expect(first.exitCode).toBe(0);
    expect(await keyOfNode()).toContain('0000:01:00.0#0-3');
    const before = versions(await everything(plane));
    const second = await sriovctl('kube', 'apply', ...wanted);
    expect(second.exitCode).toBe(0);
    expect(versions(await everything(plane))).toEqual(before);
    expect((await sriovctl('kube', 'diff', ...wanted)).exitCode).toBe(0);
  });

  it('verifies the node’s allocatable, and says what it cannot look at', async () => {
    const good = await sriovctl('kube', 'verify', ...wanted);
    expect(good.stdout).toContain(`node1 offers ${resource}: 4`);
    expect(good.stdout).toContain(
      'skipped, which VFs kubelet has registered is seen on node1 alone',
    );
    expect(good.exitCode).toBe(0);

    const offer = (count: string) =>
      patchStatus(plane.kubectl, ['node', 'node1'], { allocatable: { [resource]: count } });
    await offer('5');
    const bad = await sriovctl('kube', 'verify', ...wanted);
    expect(bad.stdout).toContain(`${resource} on node1 to be 4, it is 5`);
    expect(bad.exitCode).toBe(1);
    await offer('4');
  });

  it('agrees with what the node has made of the same spec itself', async () => {
    const pfs = [{ address: '0000:01:00.0', selector: '0000:01:00.0', vfs: 4 }];
    const kube = { kubeconfig: plane.kubeconfig, resourcePrefix: 'sriovctl.io' };
    const there = apiHost(plane, tree, kubelets);
    const stages = [multus, sriovCni, devicePlugin, network];
    expect(problemsOf(await run(stages, { ...specOf(kube), pfs }, there))).toBe('');
    expect(await keyOfNode()).toContain('"igbvf"');
    const seen = await sriovctl('kube', 'verify', ...wanted);
    expect(seen.stdout).toContain(`node1 offers ${resource}: 4`);
    expect(seen.exitCode).toBe(0);
  });

  it('takes out again all that was brought', async () => {
    const gone = await sriovctl('kube', 'teardown', '--node', 'node1');
    expect(gone.stderr).toContain('left in their folders on node1 goes with');
    expect(gone.exitCode).toBe(0);
    const left = await everything(plane);
    expect(left.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual(['Node node1']);
  });

  it('refuses a node that is not there, and PFs by name', async () => {
    const unknown = await sriovctl('kube', 'verify', '--node', 'node9', ...wanted.slice(2));
    expect(unknown.stderr).toContain('there is no node node9 in the cluster');
    expect(unknown.exitCode).toBe(7);
    const named = await sriovctl('kube', 'apply', '--node', 'node1', '--pf', 'enp1s0f0=4');
    expect(named.stderr).toContain('PF_ELSEWHERE');
    expect(named.exitCode).toBe(2);
  });
});
