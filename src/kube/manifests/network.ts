import { SriovctlError } from '../../errors.ts';
import type { KubeObject } from '../../host.ts';
import type { NetworkSpec } from '../../resolved-spec.ts';
import type { KubeSettings } from '../defaults.ts';
import { type Pool, resourceOf } from '../pools/pool.ts';
import { bondConfig, type CniConfig, sriovConfig } from './cni-config.ts';
import { managedBy } from './daemon-set.ts';
import { nadGroup } from './multus-crd.ts';

/** A network that pods name in their annotation (k8s.v1.cni.cncf.io/networks). */
export interface NetworkAttachmentDefinition extends KubeObject {
  readonly apiVersion: `${typeof nadGroup}/v1`;
  readonly kind: 'NetworkAttachmentDefinition';
  readonly spec: { readonly config: string };
}

/** Without exactly this annotation Multus passes no device on, and the plugin fails. */
export const resourceAnnotation = 'k8s.v1.cni.cncf.io/resourceName';

/** Names of objects know no underscore. */
export const networkName = ({ name }: Pick<Pool, 'name'>): string => name.replaceAll('_', '-');

/**
 * The networks of the pools: those that were asked for, or a plain one each. There is no address
 * management unless asked for, as an address from a guessed range can be someone's.
 */
export const networksOf = (
  settings: KubeSettings,
  pools: readonly Pool[],
): readonly NetworkAttachmentDefinition[] =>
  settings.networks === undefined
    ? pools.map((pool) => sriovNetwork(settings, pool, { name: networkName(pool) }))
    : settings.networks.map((network) => networkOf(settings, pools, network));

const networkOf = (settings: KubeSettings, pools: readonly Pool[], network: NetworkSpec) =>
  network.type === 'bond'
    ? definition(settings, network, bondConfig(network))
    : sriovNetwork(settings, poolOf(pools, network), network);

const sriovNetwork = (
  settings: KubeSettings,
  pool: Pool,
  network: Exclude<NetworkSpec, { type: 'bond' }>,
) =>
  definition(settings, network, sriovConfig(network.name, pool.kind, network), {
    [resourceAnnotation]: resourceOf(pool),
  });

const poolOf = (pools: readonly Pool[], network: Exclude<NetworkSpec, { type: 'bond' }>): Pool => {
  const [only, ...more] = pools;
  const pool =
    network.pool === undefined
      ? more.length === 0
        ? only
        : undefined
      : pools.find(({ name }) => name === network.pool);
  if (pool !== undefined) return pool;
  const names = pools.map(({ name }) => name).join(', ') || 'none';
  const problem =
    network.pool === undefined
      ? `network ${network.name} does not say of which pool it is`
      : `network ${network.name} is of pool ${network.pool}, which is not there`;
  throw new SriovctlError('KUBE_NETWORK_POOL', problem, {
    hint: `The pools of this node: ${names}.`,
    exit: 'refused',
  });
};

const definition = (
  settings: KubeSettings,
  network: NetworkSpec,
  config: CniConfig,
  annotations?: Readonly<Record<string, string>>,
): NetworkAttachmentDefinition => ({
  apiVersion: `${nadGroup}/v1`,
  kind: 'NetworkAttachmentDefinition',
  metadata: {
    name: network.name,
    namespace: network.namespace ?? settings.networkNamespace,
    labels: { ...managedBy },
    ...(annotations !== undefined && { annotations }),
  },
  spec: { config: JSON.stringify(config) },
});
