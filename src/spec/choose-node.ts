import { SriovctlError } from '../errors.ts';
import type { HostView } from '../host.ts';
import { hostname as hostnamePath } from '../sysfs/paths.ts';
import { readAttribute } from '../sysfs/read.ts';
import type { NodeSpecInput } from './node-spec.ts';
import type { NodeMatch, SpecFile } from './spec-file.ts';

export interface ThisNode {
  readonly hostname: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What is known of the node that a file is read for. */
export interface Sought {
  readonly labels: Readonly<Record<string, string>>;
  /** The node's name in the cluster, where it was given: then it is not for what this host is called. */
  readonly node?: string | undefined;
}

/** Whether a file of one node, which is kept on this host, is for the node of that name. */
export const isOfNode = async (
  file: SpecFile,
  host: HostView,
  node: string | undefined,
): Promise<boolean> =>
  file.kind === 'several' ||
  node === undefined ||
  file.spec.kube?.node === node ||
  isSameHost((await readAttribute(host.fs, hostnamePath))?.toLowerCase() ?? '', node);

/** One of the names may be the full one, with its domain. */
const isSameHost = (one: string, other: string): boolean =>
  one === other || one.startsWith(`${other}.`) || other.startsWith(`${one}.`);

/** @throws SriovctlError NODE_NOT_IN_SPEC (exit `refused`) when no entry of the file fits. */
export const chooseNode = async (
  file: SpecFile,
  host: HostView,
  { labels, node }: Sought,
): Promise<NodeSpecInput> => {
  if (file.kind === 'one') return file.spec;
  const hostname = node ?? (await readAttribute(host.fs, hostnamePath)) ?? '';
  const chosen =
    file.nodes.find(({ spec }) => node !== undefined && spec.kube?.node === node) ??
    file.nodes.find(({ match }) => matchesNode(match, { hostname, labels }));
  if (chosen !== undefined) return chosen.spec;
  const patterns = file.nodes.map(({ match }) => match?.hostname ?? JSON.stringify(match?.labels));
  throw new SriovctlError(
    'NODE_NOT_IN_SPEC',
    `no entry of the spec file is for ${hostname === '' ? 'this host' : hostname}`,
    {
      exit: 'refused',
      hint: `Its entries are for ${patterns.join(', ')}; --node-label KEY=VALUE says what labels it has.`,
    },
  );
};

/** Hostnames are compared without their case; an entry without a match fits every node. */
export const matchesNode = (match: NodeMatch | undefined, node: ThisNode): boolean => {
  const { hostname, labels = {} } = match ?? {};
  return (
    (hostname === undefined || fits(hostname.toLowerCase(), node.hostname.toLowerCase())) &&
    Object.entries(labels).every(
      ([key, pattern]) => Object.hasOwn(node.labels, key) && fits(pattern, node.labels[key] ?? ''),
    )
  );
};

/** `*` and `?` as in a shell; walks back to the last `*` only, so that no pattern takes long. */
const fits = (pattern: string, text: string): boolean => {
  let [at, from] = [0, 0];
  let star: { readonly pattern: number; text: number } | undefined;
  while (from < text.length) {
    if (pattern[at] === '*') {
      star = { pattern: at, text: from };
      at += 1;
    } else if (pattern[at] === '?' || pattern[at] === text[from]) {
      at += 1;
      from += 1;
    } else if (star !== undefined) {
      star.text += 1;
      at = star.pattern + 1;
      from = star.text;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(at));
};
