import type { ExitReason } from '../../errors.ts';
import type { Host } from '../../host.ts';
import { requireCluster } from '../../kube/cluster.ts';
import { hostnameOf } from '../../kube/hostname.ts';
import type { KubeSpec, ResolvedSpec } from '../../resolved-spec.ts';
import { declareSpec, resolveSpec } from '../../spec/resolve-spec.ts';
import type { StageFlags } from '../options.ts';
import type { OutputFlags } from '../output.ts';
import { openTraced } from '../run-stages.ts';
import type { Streams } from '../streams.ts';
import { type WantedOptions, wantedSpec } from '../wanted.ts';

export type KubeCommandFlags = StageFlags & OutputFlags;

/** The node that a command is about, and the host it is looked at from. */
export interface Target {
  readonly host: Host;
  readonly spec: ResolvedSpec;
}

export interface TargetOptions extends Omit<WantedOptions, 'ofAnyNode'> {
  /** Where the cluster is not to be asked, another name than this host's is another node's. */
  readonly byNameAlone?: boolean;
  /** How a command ends that cannot ask the cluster whose node it is. */
  readonly unreachable?: ExitReason;
}

/** This host, or with --node another one: then what is declared of it is all that is known. */
export const openTarget = async (
  flags: KubeCommandFlags,
  streams: Streams,
  { byNameAlone = false, unreachable, ...wanted }: TargetOptions = {},
): Promise<Target> => {
  const host = await openTraced(flags, streams);
  const node = await wantedSpec(flags, host, { ...wanted, ofAnyNode: true });
  const elsewhere =
    (await hasOtherName(node.kube, host)) &&
    (byNameAlone ? !host.simulated : !(await requireCluster(node.kube, host, unreachable)).here);
  return { host, spec: elsewhere ? declareSpec(node) : await resolveSpec(node, host) };
};

const hasOtherName = async ({ node }: KubeSpec, { fs }: Host): Promise<boolean> =>
  node !== undefined && node !== (await hostnameOf(fs));

/** The node's name where no cluster is asked for it. */
export const nodeNameOf = async ({ spec: { kube }, host }: Target): Promise<string> =>
  kube.node ?? (await hostnameOf(host.fs)) ?? 'node';
