import type { Command } from '../../host.ts';
import { type Json, listAt, parseJson } from '../json.ts';
import type { KubeAccess } from '../kubectl.ts';
import { type LiveObject, objectsIn } from '../object.ts';

/** A kubectl command line taken apart, as far as the commands of kubectl.ts go. */
export interface KubectlRequest {
  /** The words that are no flags: `get pods`, `auth can-i patch nodes`. */
  readonly words: readonly string[];
  readonly flags: ReadonlyMap<string, string>;
  readonly access: KubeAccess;
  /** The objects on stdin. */
  readonly input: readonly LiveObject[];
  /** The same as it came: reviews have no names. */
  readonly items: readonly Json[];
}

export const parseKubectl = ({ argv, stdin }: Command): KubectlRequest => {
  const words: string[] = [];
  const flags = new Map<string, string>();
  for (const word of argv.slice(1)) {
    const [, name, value] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === undefined) words.push(word);
    else flags.set(name, value ?? 'true');
  }
  const kubeconfig = flags.get('kubeconfig');
  const context = flags.get('context');
  return {
    words,
    flags,
    access: {
      ...(kubeconfig !== undefined && { kubeconfig }),
      ...(context !== undefined && { context }),
    },
    input: objectsIn(parseJson(stdin ?? '')),
    items: listAt(parseJson(stdin ?? ''), 'items'),
  };
};

/** Labels or fields of a selector `a=b,c=d`. */
export const parseSelector = (selector: string | undefined): ReadonlyMap<string, string> =>
  new Map(
    (selector ?? '')
      .split(',')
      .filter((part) => part.includes('='))
      .map((part) => {
        const at = part.indexOf('=');
        return [part.slice(0, at), part.slice(at).replace(/^=+/, '')];
      }),
  );
