import type { Command, CommandResult } from '../../host.ts';
import { textAt } from '../json.ts';
import { getCommand, type KubeAccess, listCommand, parseObjects } from '../kubectl.ts';
import { type LiveObject, type ObjectRef, refKey, refOf } from '../object.ts';
import { parseSelector } from './request.ts';

export interface Selection {
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly labels: string | undefined;
  readonly fields: string | undefined;
}

/** Objects of a cluster, copy-on-write over a real one if there is one. */
export interface ObjectStore {
  get(access: KubeAccess, ref: ObjectRef): Promise<LiveObject | undefined>;
  list(access: KubeAccess, selection: Selection): Promise<readonly LiveObject[]>;
  put(object: LiveObject): void;
  remove(ref: ObjectRef): void;
  /** All that the store itself holds. */
  all(): readonly LiveObject[];
}

/** The kinds behind the resource names that are listed. */
const kinds: Readonly<Record<string, string>> = {
  nodes: 'Node',
  pods: 'Pod',
  configmaps: 'ConfigMap',
  events: 'Event',
  namespaces: 'Namespace',
  'daemonsets.apps': 'DaemonSet',
  'resourceslices.resource.k8s.io': 'ResourceSlice',
  'deviceclasses.resource.k8s.io': 'DeviceClass',
  'resourceclaimtemplates.resource.k8s.io': 'ResourceClaimTemplate',
  'sriovresourcepolicies.sriovnetwork.k8snetworkplumbingwg.io': 'SriovResourcePolicy',
  'deviceattributes.sriovnetwork.k8snetworkplumbingwg.io': 'DeviceAttributes',
  'network-attachment-definitions.k8s.cni.cncf.io': 'NetworkAttachmentDefinition',
};

export const objectStore = (
  recorded: readonly LiveObject[],
  live: ((command: Command) => Promise<CommandResult>) | undefined,
): ObjectStore => {
  /** `null` is an object that was removed. */
  const entries = new Map<string, LiveObject | null>();
  for (const object of recorded) entries.set(refKey(refOf(object)), object);

  const fromLive = async (command: Command): Promise<readonly LiveObject[]> => {
    if (live === undefined) return [];
    const answer = parseObjects(await live(command));
    return answer.ok ? answer.value : [];
  };

  return {
    get: async (access, ref) => {
      const known = entries.get(refKey(ref));
      if (known !== undefined) return known ?? undefined;
      return (await fromLive(getCommand(access, [ref])))[0];
    },
    list: async (access, selection) => {
      const { resource, namespace, labels, fields } = selection;
      const command = listCommand(access, {
        resource,
        ...(namespace !== undefined && { namespace }),
      });
      const untouched = (await fromLive(command)).filter(
        (object) => !entries.has(refKey(refOf(object))),
      );
      const own = [...entries.values()].filter(
        (object) => object !== null && object.kind === kinds[resource],
      ) as readonly LiveObject[];
      return [...untouched, ...own]
        .filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace)
        .filter((object) => isSelected(object, parseSelector(labels), parseSelector(fields)));
    },
    put: (object) => {
      entries.set(refKey(refOf(object)), object);
    },
    remove: (ref) => {
      entries.set(refKey(ref), null);
    },
    all: () => [...entries.values()].filter((object) => object !== null),
  };
};

const isSelected = (
  object: LiveObject,
  labels: ReadonlyMap<string, string>,
  fields: ReadonlyMap<string, string>,
): boolean =>
  [...labels].every(([name, value]) => object.metadata.labels?.[name] === value) &&
  [...fields].every(([path, value]) => (textAt(object, ...path.split('.')) ?? '') === value);
