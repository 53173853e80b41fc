import type { Change } from '../change.ts';
import type { CheckResult } from '../check.ts';
import type { HostView } from '../host.ts';
import type { Step } from '../step.ts';
import { failureOfId, recognize } from './diagnose/catalogue.ts';
import { textAt } from './json.ts';
import { waitCommand } from './kubectl.ts';
import { type CanaryTime, canaryPod } from './manifests/canary.ts';
import { multusPodLabel } from './manifests/multus.ts';
import { type ObjectRef, refOf } from './object.ts';
import { deletion, restoration, sharedManager } from './plan-objects.ts';
import { listObjects } from './read-objects.ts';
import { podsOfNode } from './rollout.ts';
import { type Site, siteOf } from './stage.ts';

type Phase = 'changing' | 'leaving' | 'done';

/** Where the run on a host is with a change of Multus; one that changes nothing of it is nowhere. */
const phases = new WeakMap<HostView, Phase>();

/** The changes of Multus itself, and how their end is told. */
export interface MultusChange {
  readonly changes: readonly Change[];
  readonly isDone: () => Promise<boolean>;
  /** What is awaited till then; left out where checks say it in better words. */
  readonly awaited?: readonly Change[];
  /** What is left to do on the node then. */
  readonly leftovers?: () => Promise<readonly Change[]>;
}

/**
 * Multus takes part in the start of every pod of its node: a plain pod is started before it is
 * changed, so that a node which is broken already is left alone, and one after it, so that a node
 * which is broken by it gets back what was there before.
 */
export const withCanary = async (
  site: Site,
  { changes, isDone, awaited = [], leftovers }: MultusChange,
): Promise<readonly Change[]> => {
  const { host } = site;
  const enter = (phase: Phase, plan: readonly Change[]): readonly Change[] => {
    phases.set(host, phase);
    return plan;
  };
  switch (phases.get(host)) {
    case undefined:
    case 'done':
      return changes.length === 0 ? [] : enter('changing', [...trial(site, 'before'), ...changes]);
    case 'changing': {
      if (changes.length > 0) return changes;
      if (!(await isDone())) return awaited;
      const left = (await leftovers?.()) ?? [];
      return left.length > 0 ? enter('leaving', left) : enter('done', trial(site, 'after'));
    }
    case 'leaving':
      return enter('done', trial(site, 'after'));
  }
};

/** Whether a change of Multus has been proved to its end; a run looks at plan and checks in turn. */
export const canaryCheck = ({ host, cluster }: Site): CheckResult => {
  const phase = phases.get(host);
  return phase === undefined || phase === 'done'
    ? { status: 'pass' }
    : { status: 'pending', awaited: `Multus and a plain pod on ${cluster.node} to run` };
};

/** Whether no pod of Multus is left on the node, not even one on its way out. */
export const multusGone = async ({ cluster, host, settings }: Site): Promise<boolean> => {
  const { namespace } = settings;
  return (await podsOfNode(cluster, host, { namespace, podLabel: multusPodLabel })).length === 0;
};

/** With its sandbox a pod has been through the CNI; its image may still be on the way. */
const sandboxReady = 'PodReadyToStartContainers';

/** A node that pulls no image for a sandbox starts one in seconds. */
const startSeconds = 120;

const trial = ({ cluster, settings }: Site, time: CanaryTime): readonly Change[] => {
  if (!settings.multus.canary) return [];
  const { access, node } = cluster;
  const object = canaryPod(settings, node, time);
  const ref = refOf(object);
  const removal = deletion(cluster, ref);
  return [
    {
      action: restoration.apply(cluster, { object, fieldManager: sharedManager }),
      reason: `a plain pod has to start on ${node} ${time} Multus is changed`,
      undo: [removal],
    },
    {
      action: {
        kind: 'object',
        object,
        command: waitCommand(access, ref, sandboxReady, startSeconds),
      },
      reason: 'it shows whether pods start',
      undo: 'irreversible',
    },
    { action: removal, reason: 'it has shown that pods start', undo: 'irreversible' },
  ];
};

/** Why the plain pod did not start, by its own events. */
export const explainCanary: NonNullable<Step['explain']> = async (error, change, spec, host) => {
  const { action } = change;
  if (action.kind !== 'object' || action.object.metadata.labels?.['app'] !== 'sriovctl-canary') {
    return undefined;
  }
  const { cluster } = await siteOf(spec, host);
  const messages = await messagesOf(cluster, host, refOf(action.object));
  const known = messages.map(recognize).find((id) => id !== undefined);
  return {
    code: 'KUBE_NODE_STARTS_NO_POD',
    problem: `a plain pod does not start on ${cluster.node}: ${messages.at(-1) ?? error.message}`,
    hint:
      known === undefined
        ? 'See `kubectl describe node`; with `canary: false` in the spec this is not tried.'
        : failureOfId(known).remedy,
  };
};

const messagesOf = async (
  cluster: Site['cluster'],
  host: HostView,
  { name, namespace = 'default' }: ObjectRef,
): Promise<readonly string[]> => {
  const fields = `involvedObject.name=${name}`;
  const events = await listObjects(cluster, host, { resource: 'events', namespace, fields });
  return events.flatMap((event) => textAt(event, 'message') ?? []);
};
