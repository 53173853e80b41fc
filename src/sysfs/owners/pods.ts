import type { HostFs, HostPath } from '../../host.ts';
import { orUnknown } from '../read.ts';

/** kubelet's folder of container logs: `<namespace>_<name>_<uid>` (BuildPodLogsDirectory). */
const podLogs: HostPath = '/var/log/pods';

/** A pod by its UID: `pod <namespace>/<name>`, or the bare UID where its logs are elsewhere. */
export const podOfUid = async (fs: HostFs, uid: string): Promise<string> => {
  for (const folder of (await orUnknown(fs.list(podLogs))) ?? []) {
    const [namespace, name, other] = folder.split('_');
    if (other === uid) return `pod ${namespace ?? ''}/${name ?? ''}`;
  }
  return `pod ${uid}`;
};
