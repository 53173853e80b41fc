import type { HostFs, HostPath, HostView } from '../host.ts';
import type { KubeSpec, ResolvedSpec } from '../resolved-spec.ts';
import { orUnknown, readAttribute } from '../sysfs/read.ts';
import { type Cluster, queryKube } from './cluster.ts';
import { foldersInCluster } from './cluster-folders.ts';
import { type CniPaths, type KubeSettings, kubeSettings } from './defaults.ts';
import { listAt, parseJson, textAt } from './json.ts';

/** Asked once per view: where the CNI's folders are does not change during a run. */
const known = new WeakMap<HostView, Promise<CniSpec>>();

type CniSpec = NonNullable<KubeSpec['cni']>;

/**
 * The settings for a node: what the spec leaves open is what the node itself says, and of a node
 * that is not this host what the cluster tells of it.
 */
export const nodeSettings = async (
  { kube, elsewhere }: Pick<ResolvedSpec, 'kube' | 'elsewhere'>,
  host: HostView,
  cluster?: Cluster,
): Promise<KubeSettings> => {
  if (elsewhere && cluster === undefined) return kubeSettings(kube);
  const detected =
    known.get(host) ??
    (elsewhere && cluster !== undefined
      ? foldersInCluster(cluster, host, kube)
      : foldersOfHost(host));
  known.set(host, detected);
  return kubeSettings({ ...kube, cni: { ...(await detected), ...kube.cni } });
};

const foldersOfHost = async (host: HostView): Promise<CniSpec> => ({
  // An unprivileged container is not allowed to copy the plugin into the node's folder then.
  privileged: (await orUnknown(readAttribute(host.fs, '/sys/fs/selinux/enforce'))) === '1',
  ...(await knownFolders(host.fs)),
  ...(await askContainerd(host)),
  ...(await askCrio(host)),
});

/** The runtime's own word, in the form of containerd; binDir became binDirs in containerd 2. */
const askContainerd = async (host: HostView): Promise<Partial<CniPaths>> => {
  const result = await queryKube(host, { argv: ['crictl', 'info'], timeoutMs: 5_000 });
  if (!result.ran || result.exitCode !== 0) return {};
  const info = parseJson(result.stdout);
  const [first] = listAt(info, 'config', 'cni', 'binDirs');
  const binDir = textAt(info, 'config', 'cni', 'binDir') ?? first;
  const confDir = textAt(info, 'config', 'cni', 'confDir');
  return {
    ...(typeof binDir === 'string' && isFolder(binDir) && { binDir }),
    ...(confDir !== undefined && isFolder(confDir) && { confDir }),
  };
};

/** What CRI-O prints as its settings: TOML, of which two lines are read. */
const askCrio = async (host: HostView): Promise<Partial<CniPaths>> => {
  const result = await queryKube(host, { argv: ['crio', 'config'], timeoutMs: 5_000 });
  if (!result.ran || result.exitCode !== 0) return {};
  const folder = (pattern: RegExp): string | undefined => {
    const [, path = ''] = pattern.exec(result.stdout) ?? [];
    return isFolder(path) ? path.replace(/\/$/, '') : undefined;
  };
  const confDir = folder(/^\s*network_dir\s*=\s*"([^"]*)"/m);
  const binDir = folder(/^\s*plugin_dirs\s*=\s*\[\s*"([^"]*)"/m);
  return { ...(binDir !== undefined && { binDir }), ...(confDir !== undefined && { confDir }) };
};

/** It becomes a mount into a privileged container. */
const isFolder = (path: string): boolean =>
  /^(\/[\w.-]+){2,}\/?$/.test(path) && !path.includes('..');

/** Where distributions have the folders that is not /etc/cni/net.d and /opt/cni/bin; the first that exists. */
const distributions: readonly (Partial<CniPaths> & { readonly sign: HostPath })[] = [
  {
    sign: '/var/lib/rancher/k3s/data/cni',
    binDir: '/var/lib/rancher/k3s/data/cni',
    confDir: '/var/lib/rancher/k3s/agent/etc/cni/net.d',
  },
  {
    sign: '/var/lib/rancher/k3s/data/current/bin',
    binDir: '/var/lib/rancher/k3s/data/current/bin',
    confDir: '/var/lib/rancher/k3s/agent/etc/cni/net.d',
  },
  { sign: '/var/lib/microshift', binDir: '/run/cni/bin' },
  {
    sign: '/var/snap/microk8s/current',
    binDir: '/var/snap/microk8s/current/opt/cni/bin',
    confDir: '/var/snap/microk8s/current/args/cni-network',
  },
  { sign: '/var/lib/cni/bin', binDir: '/var/lib/cni/bin', confDir: '/etc/kubernetes/cni/net.d' },
  { sign: '/home/kubernetes/bin/kubelet', binDir: '/home/kubernetes/bin' },
];

const knownFolders = async (fs: HostFs): Promise<Partial<CniPaths>> => {
  for (const { sign, ...folders } of distributions) {
    if ((await orUnknown(fs.stat(sign))) !== undefined) return folders;
  }
  return {};
};
