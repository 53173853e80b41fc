import type { Host, KubeObject } from '../host.ts';
import type { Cluster } from './cluster.ts';
import { queryKube } from './cluster.ts';
import type { KubeSettings } from './defaults.ts';
import { failureOfId, recognize } from './diagnose/catalogue.ts';
import { listAt, textAt } from './json.ts';
import { applyCommand, execCommand, explainStderr } from './kubectl.ts';
import { type LiveObject, refOf } from './object.ts';
import { deletion, sharedManager } from './plan-objects.ts';
import type { Pool } from './pools/pool.ts';
import type { PublishedPool } from './pools/published-pools.ts';
import { listObjects, readObject } from './read-objects.ts';
import { podTrouble } from './rollout.ts';

/** One thing that a pod with a VF has to show. */
export interface SmokeFinding {
  readonly id: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly hint?: string;
}

/** What a test of one pool was done with. */
export interface Trial {
  readonly cluster: Cluster;
  readonly host: Host;
  readonly settings: KubeSettings;
  readonly pool: Pool | PublishedPool;
  readonly pod: KubeObject;
}

/** How long the scheduler, the image and the CNI may take, in milliseconds. */
const startMs = 120_000;

/** Starts the pod of a trial, asks it when it runs, and removes it in any case. */
export const withPod = async (
  trial: Trial,
  askIt: (live: LiveObject) => Promise<readonly SmokeFinding[]>,
): Promise<readonly SmokeFinding[]> => {
  const { cluster, host, pod } = trial;
  await host.perform({
    kind: 'object',
    object: pod,
    command: applyCommand(cluster.access, pod, { fieldManager: sharedManager }),
  });
  try {
    const started = await awaitPod(trial);
    if (typeof started === 'string') return [await explained(trial, started)];
    return [passed('running', `pod ${pod.metadata.name} runs`), ...(await askIt(started))];
  } finally {
    await host.perform(deletion(cluster, refOf(pod)));
  }
};

/** The running pod, or why it does not run. */
const awaitPod = async ({ cluster, host, pod }: Trial): Promise<LiveObject | string> => {
  const deadline = host.now() + startMs;
  for (;;) {
    const live = await readObject(cluster, host, refOf(pod));
    const phase = textAt(live, 'status', 'phase');
    if (live !== undefined && phase === 'Running' && podTrouble(live) === undefined) return live;
    const trouble = live === undefined ? 'it is not there' : (podTrouble(live) ?? phase ?? '');
    if (phase === 'Failed' || host.now() >= deadline) return trouble;
    await host.wait(1_000);
  }
};

/** The pod's own events say more than its phase, and lead to what to do. */
const explained = async (trial: Trial, trouble: string): Promise<SmokeFinding> => {
  const { cluster, host, pod } = trial;
  const { name, namespace = 'default' } = pod.metadata;
  const events = await listObjects(cluster, host, {
    resource: 'events',
    namespace,
    fields: `involvedObject.name=${name}`,
  });
  const live = await readObject(cluster, host, refOf(pod));
  const messages = [
    trouble,
    ...events.map((event) => textAt(event, 'message') ?? ''),
    ...listAt(live, 'status', 'conditions').map((one) => textAt(one, 'message') ?? ''),
  ].filter((message) => message !== '');
  const known = messages.find((message) => recognize(message) !== undefined);
  const id = known === undefined ? undefined : recognize(known);
  const { cause, remedy } =
    id === undefined
      ? { cause: 'the reason is none of the known ones', remedy: `kubectl describe pod ${name}` }
      : failureOfId(id);
  return {
    ...failed('running', `pod ${name} does not run: ${known ?? messages.at(-1) ?? ''} (${cause})`),
    hint: remedy,
  };
};

/** What a program in the pod prints; `undefined` for nothing. */
export const ask = async (
  { cluster, host, pod }: Trial,
  argv: readonly string[],
): Promise<string | undefined> => {
  const { name, namespace = 'default' } = pod.metadata;
  const result = await queryKube(host, execCommand(cluster.access, { name, namespace }, argv));
  if (!result.ran || (result.exitCode !== 0 && explainStderr(result.stderr).kind !== 'other')) {
    return undefined;
  }
  const text = result.stdout.trim();
  return text === '' ? undefined : text;
};

export const passed = (id: string, detail: string): SmokeFinding => ({ id, ok: true, detail });
export const failed = (id: string, detail: string): SmokeFinding => ({ id, ok: false, detail });
