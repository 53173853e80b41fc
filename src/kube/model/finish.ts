import { isJsonObject, objectAt, textAt } from '../json.ts';
import { templateGeneration } from '../manifests/daemon-set.ts';
import type { LiveObject } from '../object.ts';

/** What the API server and the controllers fill in. */
export const finished = (
  before: LiveObject | undefined,
  object: LiveObject,
  tick: () => string,
): LiveObject => {
  const metadata = {
    ...object.metadata,
    creationTimestamp: textAt(before, 'metadata', 'creationTimestamp') ?? tick(),
  };
  if (object.kind === 'CustomResourceDefinition') {
    const conditions = [{ type: 'Established', status: 'True' }];
    return { ...object, metadata, status: { ...objectAt(object, 'status'), conditions } };
  }
  if (object.kind !== 'DaemonSet') return { ...object, metadata };
  const generation = Number(before?.metadata.annotations?.[templateGeneration] ?? 0);
  const changed = !sameTemplate(before, object);
  const annotations = {
    ...object.metadata.annotations,
    [templateGeneration]: String(changed ? generation + 1 : generation),
  };
  return { ...object, metadata: { ...metadata, annotations } };
};

const sameTemplate = (before: LiveObject | undefined, after: LiveObject): boolean => {
  const template = objectAt(after, 'spec', 'template');
  const old = before === undefined ? undefined : objectAt(before, 'spec', 'template');
  return isJsonObject(old) && JSON.stringify(old) === JSON.stringify(template);
};
