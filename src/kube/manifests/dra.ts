import type { IDeviceClass, IResourceClaimTemplate } from 'kubernetes-models/resource.k8s.io/v1';
import type { KubeObject } from '../../host.ts';
import type { KubeSettings } from '../defaults.ts';
import type { ObjectRef } from '../object.ts';
import { addressesOf, type Pool, resourceOf } from '../pools/pool.ts';
import { managedBy } from './daemon-set.ts';
import { networkName } from './network.ts';

/** The name under which it advertises devices, and the group of its kinds. */
export const draDriver = 'sriovnetwork.k8snetworkplumbingwg.io';

/** By its definition the driver is known to be installed. */
export const draPolicyCrd: ObjectRef = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  name: `sriovresourcepolicies.${draDriver}`,
};

/** The kinds that are made for pools: one for each node, and those that nodes share. */
export const draKinds = {
  policy: `sriovresourcepolicies.${draDriver}`,
  shared: [
    `deviceattributes.${draDriver}`,
    'deviceclasses.resource.k8s.io',
    'resourceclaimtemplates.resource.k8s.io',
  ],
} as const;

/** Annotations of a policy, since its name does not tell where the pool's ends and the node's begins. */
const policyNode = 'sriovctl/node';
const policyPool = 'sriovctl/pool';
/** The addresses of its PFs: VFs that are gone do not tell whose they were. */
const policyPfs = 'sriovctl/pfs';

const said = ({ metadata }: KubeObject, what: string): string | undefined =>
  metadata.annotations?.[what];

/** A node's policies. */
export const policiesOf = <T extends KubeObject>(
  policies: readonly T[],
  node: string,
): readonly T[] => policies.filter((policy) => said(policy, policyNode) === node);

/** The pools of policies, which are the names of their networks too. */
export const poolsOf = (policies: readonly KubeObject[]): readonly string[] =>
  policies.flatMap((policy) => said(policy, policyPool) ?? []);

/** The pools of some policies that no other policy is for. */
export const poolsOfAlone = (
  going: readonly KubeObject[],
  policies: readonly KubeObject[],
): readonly string[] => {
  const kept = new Set(poolsOf(policies.filter((policy) => !going.includes(policy))));
  return poolsOf(going).filter((pool) => !kept.has(pool));
};

/** The PFs whose VFs a policy is about. */
export const pfsOfPolicy = (policy: KubeObject): readonly string[] =>
  said(policy, policyPfs)?.split(',') ?? [];

/** VFs that the DRA driver advertises; without a policy it advertises none. */
interface SriovResourcePolicy extends KubeObject {
  readonly spec: {
    readonly nodeSelector: object;
    readonly configs: readonly {
      readonly deviceAttributesSelector: { readonly matchLabels: Readonly<Record<string, string>> };
      readonly resourceFilters: readonly { readonly pciAddresses: readonly string[] }[];
    }[];
  };
}

interface DeviceAttributes extends KubeObject {
  readonly spec: { readonly attributes: Readonly<Record<string, { readonly string: string }>> };
}

const labels = { ...managedBy };

/**
 * A pool for the DRA driver instead of the device plugin: never both for one set of VFs, since
 * nothing arbitrates between them. The class carries the plugin's resource name, so that pods that
 * ask for it need no change (DRAExtendedResource, on since Kubernetes 1.36).
 */
export const draObjects = (
  settings: KubeSettings,
  node: string,
  pool: Pool,
): readonly KubeObject[] => {
  const { draNamespace } = settings;
  const name = networkName(pool);
  return [
    deviceClass(name, pool),
    deviceAttributes(name, pool, draNamespace),
    resourcePolicy(name, node, pool, draNamespace),
    claimTemplate(name, pool, settings),
  ];
};

const deviceClass = (name: string, pool: Pool): IDeviceClass & KubeObject => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'DeviceClass',
  metadata: { name, labels },
  spec: {
    extendedResourceName: resourceOf(pool),
    selectors: [
      {
        cel: {
          expression: `device.driver == "${draDriver}" && device.attributes["k8s.cni.cncf.io"].resourceName == "${resourceOf(pool)}"`,
        },
      },
    ],
  },
});

/** The attribute by which Multus finds the network of a device. */
const deviceAttributes = (name: string, pool: Pool, namespace: string): DeviceAttributes => ({
  apiVersion: `${draDriver}/v1alpha1`,
  kind: 'DeviceAttributes',
  metadata: { name, namespace, labels: { ...labels, 'sriovctl/pool': name } },
  spec: { attributes: { 'k8s.cni.cncf.io/resourceName': { string: resourceOf(pool) } } },
});

/** By address: the driver's filters know no VF ranges, and do not look at drivers yet. */
const resourcePolicy = (
  name: string,
  node: string,
  pool: Pool,
  namespace: string,
): SriovResourcePolicy => ({
  apiVersion: `${draDriver}/v1alpha1`,
  kind: 'SriovResourcePolicy',
  metadata: {
    name: `${name}-${node}`,
    namespace,
    labels,
    annotations: {
      [policyNode]: node,
      [policyPool]: name,
      [policyPfs]: [...new Set(pool.members.map(({ pf }) => pf.address))].sort().join(','),
    },
  },
  spec: {
    nodeSelector: {
      nodeSelectorTerms: [
        { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] },
      ],
    },
    configs: [
      {
        deviceAttributesSelector: { matchLabels: { 'sriovctl/pool': name } },
        resourceFilters: [{ pciAddresses: addressesOf(pool) }],
      },
    ],
  },
});

const claimTemplate = (
  name: string,
  pool: Pool,
  settings: KubeSettings,
): IResourceClaimTemplate & KubeObject => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaimTemplate',
  metadata: { name, namespace: settings.networkNamespace, labels },
  spec: {
    spec: {
      devices: {
        requests: [{ name: 'vf', exactly: { deviceClassName: name, count: 1 } }],
        config: [
          {
            requests: ['vf'],
            opaque: {
              driver: draDriver,
              parameters: {
                apiVersion: `${draDriver}/v1alpha1`,
                kind: 'VfConfig',
                netAttachDefName: name,
                netAttachDefNamespace: settings.networkNamespace,
                ...(pool.kind === 'kernel' ? { ifName: 'net1' } : { driver: 'vfio-pci' }),
              },
            },
          },
        ],
      },
    },
  },
});
