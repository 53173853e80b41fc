import { describe, expect, it } from 'vitest';
import type { CommandResult, HostView } from '../../src/host.ts';
import { nodeSettings } from '../../src/kube/node-settings.ts';
import type { KubeSpec } from '../../src/resolved-spec.ts';
import { HostTree } from './host-tree.ts';
import { kubeSpec } from './test-cluster.ts';

const silent: CommandResult = { ran: false, because: 'crictl is not installed' };

const settingsOf = (
  files: readonly string[],
  runtime: CommandResult = silent,
  kube: Partial<KubeSpec> = {},
  program = 'crictl',
) => {
  const tree = new HostTree('node1');
  for (const file of files) tree.files.set(file, file.endsWith('enforce') ? '1\n' : '');
  const host: HostView = {
    fs: tree,
    query: ({ argv }) => Promise.resolve(argv[0] === program ? runtime : silent),
  };
  return nodeSettings({ kube: { ...kubeSpec, ...kube } }, host);
};

const crictl = (cni: object): CommandResult => ({
  ran: true,
  exitCode: 0,
  stdout: JSON.stringify({ config: { cni } }),
  stderr: '',
});

describe('the settings of a node', () => {
  it.each([
    ['a plain node', [], '/opt/cni/bin', '/etc/cni/net.d'],
    [
      'k3s',
      ['/var/lib/rancher/k3s/data/cni/loopback'],
      '/var/lib/rancher/k3s/data/cni',
      '/var/lib/rancher/k3s/agent/etc/cni/net.d',
    ],
    [
      'an older k3s',
      ['/var/lib/rancher/k3s/data/current/bin/cni'],
      '/var/lib/rancher/k3s/data/current/bin',
      '/var/lib/rancher/k3s/agent/etc/cni/net.d',
    ],
    ['MicroShift', ['/var/lib/microshift/version'], '/run/cni/bin', '/etc/cni/net.d'],
    [
      'MicroK8s',
      ['/var/snap/microk8s/current/args/kubelet'],
      '/var/snap/microk8s/current/opt/cni/bin',
      '/var/snap/microk8s/current/args/cni-network',
    ],
    ['OpenShift', ['/var/lib/cni/bin/multus'], '/var/lib/cni/bin', '/etc/kubernetes/cni/net.d'],
    ['GKE', ['/home/kubernetes/bin/kubelet'], '/home/kubernetes/bin', '/etc/cni/net.d'],
  ])('have the CNI folders of %s', async (_what, files, binDir, confDir) => {
    expect((await settingsOf(files)).cni).toEqual({ binDir, confDir });
  });

  it.each([
    ['containerd', { binDir: '/x/bin', confDir: '/x/conf' }],
    ['containerd 2', { binDirs: ['/x/bin', '/y/bin'], confDir: '/x/conf' }],
  ])('follow %s', async (_what, cni) => {
    expect((await settingsOf(['/var/lib/microshift/version'], crictl(cni))).cni).toEqual({
      binDir: '/x/bin',
      confDir: '/x/conf',
    });
  });

  it('follow CRI-O', async () => {
    const stdout = [
      '[crio.network]',
      '# network_dir = "/nowhere"',
      'network_dir = "/etc/cni/net.d/"',
      'plugin_dirs = [',
      '\t"/usr/libexec/cni/",',
      '\t"/opt/cni/bin/",',
      ']',
    ].join('\n');
    const said: CommandResult = { ran: true, exitCode: 0, stdout, stderr: '' };
    const { cni } = await settingsOf(['/var/lib/cni/bin/multus'], said, {}, 'crio');
    expect(cni).toEqual({ binDir: '/usr/libexec/cni', confDir: '/etc/cni/net.d' });
  });

  it('take no folder of the runtime that is none', async () => {
    const settings = await settingsOf([], crictl({ binDir: '/', confDir: '/etc/../root' }));
    expect(settings.cni).toEqual({ binDir: '/opt/cni/bin', confDir: '/etc/cni/net.d' });
  });

  it('are what the spec says, whatever the node does', async () => {
    const cni = { binDir: '/own/bin' };
    const settings = await settingsOf([], crictl({ binDir: '/x/bin', confDir: '/x/conf' }), {
      cni,
    });
    expect(settings.cni).toEqual({ binDir: '/own/bin', confDir: '/x/conf' });
  });

  it('let the CNI’s container be privileged where SELinux is enforced', async () => {
    expect((await settingsOf(['/sys/fs/selinux/enforce'])).privilegedCni).toBe(true);
    expect((await settingsOf([])).privilegedCni).toBe(false);
  });
});
