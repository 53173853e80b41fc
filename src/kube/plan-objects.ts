import type { Change, Requirement } from '../change.ts';
import type { Action, HostView, KubeObject } from '../host.ts';
import type { Cluster } from './cluster.ts';
import { type Difference, differences } from './difference.ts';
import {
  abandonedPaths,
  appliedBy,
  extract,
  type FieldPath,
  fieldsOf,
  formatPath,
  mergeFields,
  ownersOf,
  ownsPath,
} from './fields.ts';
import { isJsonObject, type Json, type JsonObject, toJson } from './json.ts';
import { applyCommand, deleteCommand } from './kubectl.ts';
import { isOurs } from './manifests/daemon-set.ts';
import {
  describeRef,
  type LiveObject,
  minimalObject,
  type ObjectRef,
  refKey,
  refOf,
} from './object.ts';
import { readObjects } from './read-objects.ts';

/** An object as it is to be, and under which name its fields are owned. */
export interface WantedObject {
  readonly object: KubeObject;
  readonly fieldManager: string;
  /** Others may have brought it: then it is used as it is. */
  readonly onlyIfMissing?: boolean;
  /** It stays when a run is rolled back: removing it would take other people's objects along. */
  readonly keep?: boolean;
}

/** Fields that are the same from whichever node they are applied. */
export const sharedManager = 'sriovctl';

/** A manager for each node; the API server takes 128 characters. */
export const nodeManager = (node: string): string => `sriovctl-${node}`.slice(0, 128);

/** The changes that bring the live objects to the wanted ones; none for those that are so already. */
export const planObjects = async (
  cluster: Cluster,
  host: HostView,
  wanted: readonly WantedObject[],
): Promise<readonly Change[]> => {
  const live = await readObjects(
    cluster,
    host,
    wanted.map(({ object }) => refOf(object)),
  );
  return wanted.flatMap((one) => {
    const found = live.get(refKey(refOf(one.object)));
    return found === undefined ? [creation(cluster, one)] : update(cluster, one, found);
  });
};

const applied = (
  cluster: Pick<Cluster, 'access'>,
  one: WantedObject,
  forceConflicts = false,
): Action => ({
  kind: 'object',
  // Parts that are shared in memory would be references in YAML.
  object: toJson(one.object) as LiveObject,
  command: applyCommand(cluster.access, one.object, {
    fieldManager: one.fieldManager,
    forceConflicts,
  }),
});

/** Removing an object: the same kind of action, with the command that deletes it. */
export const deletion = (cluster: Pick<Cluster, 'access'>, ref: ObjectRef): Action => ({
  kind: 'object',
  object: minimalObject(ref),
  command: deleteCommand(cluster.access, ref),
});

const creation = (cluster: Cluster, one: WantedObject): Change => ({
  action: applied(cluster, one),
  reason: 'it is not there yet',
  undo: one.keep === true ? 'irreversible' : [deletion(cluster, refOf(one.object))],
});

const update = (cluster: Cluster, one: WantedObject, live: LiveObject): readonly Change[] => {
  const own = appliedBy(live, one.fieldManager);
  if (one.onlyIfMissing === true && own === undefined) return [];
  const wanted = toJson(one.object);
  const changed = differences(wanted, live);
  const abandoned = own === undefined ? [] : abandonedPaths(own.fields, wanted);
  if (changed.length === 0 && abandoned.length === 0) return [];

  const conflicts = changed.flatMap(({ path }) =>
    foreignOwners(live, one.fieldManager, path).map((manager) => ({ manager, path })),
  );
  return [
    {
      action: applied(cluster, one, conflicts.length > 0),
      reason: describeUpdate(changed, abandoned),
      undo: [restoration.of(cluster, one, live)],
      ...(isForeign(one.object, live)
        ? { requires: adoption(live) }
        : conflicts.length > 0 && { requires: takeover(refOf(one.object), conflicts) }),
    },
  ];
};

/** Whether an object that is to be ours was made by someone else. */
const isForeign = (wanted: KubeObject, live: LiveObject): boolean =>
  isOurs(wanted) && !isOurs(live);

const adoption = (live: LiveObject): Requirement => {
  const managers = [...new Set(ownersOf(live).map(({ manager }) => manager))].join(', ');
  return {
    permission: 'force-conflicts',
    problem: `${describeRef(refOf(live))} was made by others${managers === '' ? '' : ` (${managers})`}`,
    hint: 'Remove it there, or take it over as it is wanted here with --force-conflicts.',
  };
};

/** Who else owns a field that is to change; sharing a field of one value is no conflict. */
const foreignOwners = (live: LiveObject, own: string, path: FieldPath): readonly string[] =>
  ownersOf(live)
    .filter(({ manager, applied: isApply }) => manager !== own || !isApply)
    .filter(({ fields }) => ownsPath(fields, path))
    .map(({ manager }) => manager);

const takeover = (
  ref: ObjectRef,
  conflicts: readonly { readonly manager: string; readonly path: FieldPath }[],
): Requirement => {
  const fields = conflicts.map(({ manager, path }) => `${formatPath(path)} (owned by ${manager})`);
  return {
    permission: 'force-conflicts',
    problem: `${describeRef(ref)} has fields of another manager with another value: ${fields.join(', ')}`,
    hint: 'Change them there, or take these fields over with --force-conflicts.',
  };
};

/** Actions that bring a former state back. */
export const restoration = {
  apply: (cluster: Pick<Cluster, 'access'>, one: WantedObject): Action => applied(cluster, one),

  /** The object's former state, as far as applying touches it, under the same manager. */
  of: (cluster: Pick<Cluster, 'access'>, one: WantedObject, live: LiveObject): Action => {
    const own = appliedBy(live, one.fieldManager)?.fields ?? {};
    const part = extract(live, mergeFields(fieldsOf(toJson(one.object)), own));
    const object = identified(isJsonObject(part) ? part : {}, refOf(one.object));
    return applied(cluster, { ...one, object }, true);
  },

  /** A removed object as its first manager had applied it. */
  ofRemoved: (cluster: Pick<Cluster, 'access'>, live: LiveObject): Action => {
    const own = ownersOf(live).find((owner) => owner.applied);
    const part = extract(live, own?.fields ?? {});
    const object = identified(isJsonObject(part) ? part : {}, refOf(live));
    return applied(cluster, { object, fieldManager: own?.manager ?? sharedManager });
  },
};

const identified = (part: JsonObject, ref: ObjectRef): KubeObject => {
  const bare = minimalObject(ref);
  const metadata = isJsonObject(part['metadata']) ? part['metadata'] : {};
  return { ...part, ...bare, metadata: { ...metadata, ...bare.metadata } };
};

const describeUpdate = (
  changed: readonly Difference[],
  abandoned: readonly FieldPath[],
): string => {
  const fields = [
    ...changed.map(
      ({ path, live, wanted }) => `${formatPath(path)}: ${brief(live)} → ${brief(wanted)}`,
    ),
    ...abandoned.map((path) => `${formatPath(path)}: no longer wanted`),
  ];
  const more = fields.length > 4 ? [`and ${fields.length - 4} more`] : [];
  return [...fields.slice(0, 4), ...more].join('; ');
};

const brief = (value: Json | undefined): string => {
  if (value === undefined) return 'not there';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
};
