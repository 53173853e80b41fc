import type { Change } from '../change.ts';
import type { HostPath, HostView } from '../host.ts';
import { orUnknown } from '../sysfs/read.ts';
import type { Cluster } from './cluster.ts';
import type { KubeSettings } from './defaults.ts';

/**
 * What Multus leaves on the node: with its configuration no pod would start once its account is
 * gone (thin) or its daemon (thick, when it was killed).
 */
export const removeMultusLeftovers = async (
  { here }: Cluster,
  { fs }: HostView,
  { cni }: KubeSettings,
): Promise<readonly Change[]> => {
  if (!here) return [];
  const list = async (folder: string): Promise<readonly string[]> =>
    (await orUnknown(fs.list(folder as HostPath))) ?? [];
  const names = await list(cni.confDir);
  const ours = `${cni.confDir}/multus.d`;
  const own = names.includes('multus.d') ? await list(ours) : undefined;
  return [
    ...names
      .filter((name) => /^00-multus\.conf(list)?$/.test(name))
      .map((name) => removeFile(`${cni.confDir}/${name}`, 'with it left no pod would start')),
    ...(own === undefined || own.some((name) => name !== 'multus.kubeconfig')
      ? []
      : [...own.map((name) => `${ours}/${name}`), ours].map((path) =>
          removeFile(path, 'its account is gone'),
        )),
    ...(await removeBinaries({ fs }, cni, ['multus', 'multus-shim', 'passthru'])),
  ];
};

/**
 * The shim's configuration without any daemon that answers it, as a killed run may leave it; a
 * Multus that was put onto the host by hand has another type.
 */
export const removeDeadConfig = async (
  { here }: Cluster,
  { fs }: HostView,
  { cni }: KubeSettings,
): Promise<readonly Change[]> => {
  if (!here) return [];
  const changes: Change[] = [];
  for (const name of ['00-multus.conf', '00-multus.conflist']) {
    const path = `${cni.confDir}/${name}`;
    const text = (await orUnknown(fs.readText(path as HostPath))) ?? '';
    if (text.includes('"multus-shim"')) changes.push(removeFile(path, 'no daemon answers it'));
  }
  return changes;
};

/** Binaries that a DaemonSet of ours copied to the node. */
export const removeBinaries = async (
  { fs }: Pick<HostView, 'fs'>,
  { binDir }: KubeSettings['cni'],
  names: readonly string[],
): Promise<readonly Change[]> => {
  const present = (await orUnknown(fs.list(binDir as HostPath))) ?? [];
  return names
    .filter((name) => present.includes(name))
    .map((name) => removeFile(`${binDir}/${name}`, 'nothing calls it any more'));
};

/** A token or a program is not kept in a journal, so there is no way back; an apply brings it again. */
const removeFile = (path: string, because: string): Change => ({
  action: { kind: 'remove', path: path as HostPath },
  reason: `left behind, and ${because}`,
  undo: 'irreversible',
});
