import type { CheckResult } from '../check.ts';
import type { HostView } from '../host.ts';
import type { Cluster } from './cluster.ts';
import { readObject } from './read-objects.ts';

/**
 * Multus and the device plugin are privileged and use the host's network: a namespace that enforces
 * a stricter level takes their DaemonSets, and then refuses each of their pods.
 */
export const allowsPrivilegedPods = async (
  cluster: Cluster,
  host: HostView,
  namespace: string,
): Promise<CheckResult> => {
  const ref = { apiVersion: 'v1', kind: 'Namespace', name: namespace };
  const live = await readObject(cluster, host, ref);
  const level = live?.metadata.labels?.['pod-security.kubernetes.io/enforce'];
  if (level === undefined || level === 'privileged') return { status: 'pass' };
  return {
    status: 'fail',
    problem: `namespace ${namespace} enforces the pod security level ${level}, which refuses privileged pods`,
    hint: `Choose another namespace, or label it: kubectl label --overwrite namespace ${namespace} pod-security.kubernetes.io/enforce=privileged`,
  };
};
