import type { Host } from '../host.ts';
import type { KubeSpec } from '../resolved-spec.ts';
import { hasNoKubeconfig, reach } from './cluster.ts';

/** After a boot kubelet starts etcd and the API server from images that are there, one after the other. */
const startMs = 300_000;
const pauseMs = 2_000;

export interface Awaiting {
  readonly signal: AbortSignal;
  readonly tell: (text: string) => void;
}

/**
 * Waits after a boot for an API server that a kubeconfig names and that does not answer yet. What a
 * run makes of it when the time is over is its own business, as without the wait.
 */
export const awaitCluster = async (
  spec: KubeSpec,
  host: Host,
  { signal, tell }: Awaiting,
): Promise<void> => {
  if (spec.mode === 'off') return;
  const deadline = host.now() + startMs;
  for (let first = true; host.now() < deadline && !signal.aborted; first = false) {
    const reached = await reach(spec, host);
    if (!('failure' in reached)) return;
    const { failure } = reached;
    if (failure.kind !== 'unreachable' || hasNoKubeconfig(failure)) return;
    if (first) tell(`Waiting for the API server to start: ${failure.message}`);
    await host.wait(pauseMs);
  }
};
