import type { KubeObject } from '../../host.ts';
import type { KubeSettings } from '../defaults.ts';
import type { JsonObject } from '../json.ts';
import { type Pool, resourceOf } from '../pools/pool.ts';
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

export const network = (settings: KubeSettings, pool: Pool): NetworkAttachmentDefinition => ({
  apiVersion: `${nadGroup}/v1`,
  kind: 'NetworkAttachmentDefinition',
  metadata: {
    name: networkName(pool),
    namespace: settings.networkNamespace,
    labels: { ...managedBy },
    annotations: { [resourceAnnotation]: resourceOf(pool) },
  },
  spec: { config: JSON.stringify(cniConfig(pool)) },
});

/** No address management unless asked for: an address from a guessed range can be someone's. */
const cniConfig = (pool: Pool): JsonObject => ({
  cniVersion: '1.0.0',
  name: networkName(pool),
  type: 'sriov',
  capabilities: pool.kind === 'kernel' ? { mac: true, ips: true } : { mac: true },
});
