import type { KubeObject } from '../host.ts';
import { isJsonList, isJsonObject, type Json, type JsonObject, textAt } from './json.ts';

/** What names one object of a cluster. */
export interface ObjectRef {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** An object as the API server gave it: fields this program knows nothing of are kept. */
export type LiveObject = KubeObject & JsonObject;

export const refOf = ({ apiVersion, kind, metadata }: KubeObject): ObjectRef => ({
  apiVersion,
  kind,
  name: metadata.name,
  ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
});

/** The identity of an object whatever the version it is asked for in. */
export const refKey = ({ apiVersion, kind, namespace, name }: ObjectRef): string =>
  `${apiVersion.includes('/') ? apiVersion.replace(/\/.*/, '') : ''}/${kind}/${namespace ?? ''}/${name}`;

/** An object in a sentence: `DaemonSet kube-system/kube-multus-ds`. */
export const describeRef = ({ kind, namespace, name }: ObjectRef): string =>
  `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;

/** The least that names an object to the API server. */
export const minimalObject = ({ apiVersion, kind, name, namespace }: ObjectRef): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name, ...(namespace !== undefined && { namespace }) },
});

export const isLiveObject = (value: Json | undefined): value is LiveObject =>
  isJsonObject(value) &&
  typeof value['apiVersion'] === 'string' &&
  typeof value['kind'] === 'string' &&
  textAt(value, 'metadata', 'name') !== undefined;

/** The objects of an answer: a v1 List, a typed list or one object. */
export const objectsIn = (value: Json | undefined): readonly LiveObject[] => {
  const items = isJsonObject(value) ? value['items'] : undefined;
  if (isJsonList(items)) return items.filter(isLiveObject);
  return isLiveObject(value) ? [value] : [];
};
