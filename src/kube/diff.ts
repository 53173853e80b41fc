import type { HostView } from '../host.ts';
import { type Cluster, queryKube } from './cluster.ts';
import { diffCommand, explainStderr } from './kubectl.ts';
import { describeRef, refOf } from './object.ts';
import { type WantedObject } from './plan-objects.ts';
import { kubeError } from './read-objects.ts';

/**
 * What the API server itself would change, in kubectl's unified diff. Exit code 1 means that it
 * differs; above it, or with no diff, kubectl failed.
 */
export const diffObjects = async (
  cluster: Pick<Cluster, 'access'>,
  host: HostView,
  wanted: readonly WantedObject[],
): Promise<string> => {
  let text = '';
  for (const { object, fieldManager } of wanted) {
    const result = await queryKube(host, diffCommand(cluster.access, object, { fieldManager }));
    if (result.ran && result.exitCode === 0) continue;
    if (result.ran && result.exitCode === 1 && result.stdout !== '') {
      text += result.stdout;
      continue;
    }
    const failure = result.ran
      ? explainStderr(result.stderr)
      : ({ kind: 'missing', message: result.because } as const);
    // A network of a kind that Multus has yet to bring is new as a whole.
    if (failure.kind === 'no-such-kind') text += `+ ${describeRef(refOf(object))}\n`;
    else throw kubeError(describeRef(refOf(object)), failure);
  }
  return text;
};
