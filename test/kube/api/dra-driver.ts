import { draDriver } from '../../../src/kube/manifests/dra.ts';
import type { ControlPlane } from './control-plane.ts';

const draCrds = [
  { plural: 'sriovresourcepolicies', kind: 'SriovResourcePolicy' },
  { plural: 'deviceattributes', kind: 'DeviceAttributes' },
] as const;

/** The driver's kinds, its namespace, and what it advertises of node1. */
export const installDraDriver = async (
  { kubectl }: ControlPlane,
  vfs: readonly { readonly address: string }[],
) => {
  const create = (object: object) => kubectl(['create', '--filename=-'], JSON.stringify(object));
  await create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'dra-driver-sriov' } });
  for (const { plural, kind } of draCrds) {
    const schema = {
      openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    };
    await create({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${draDriver}` },
      spec: {
        group: draDriver,
        scope: 'Namespaced',
        names: { plural, kind },
        versions: [{ name: 'v1alpha1', served: true, storage: true, schema }],
      },
    });
    await kubectl(['wait', '--for=condition=Established', `crd/${plural}.${draDriver}`]);
  }
  await create({
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceSlice',
    metadata: { name: 'node1-vfs' },
    spec: {
      driver: draDriver,
      nodeName: 'node1',
      pool: { name: 'node1', generation: 1, resourceSliceCount: 1 },
      devices: vfs.map(({ address }) => ({
        name: address.replaceAll(/[:.]/g, '-'),
        attributes: { 'resource.kubernetes.io/pciBusID': { string: address } },
      })),
    },
  });
};

export const removeDraDriver = async ({ kubectl }: ControlPlane): Promise<void> => {
  await kubectl(['delete', 'crds', ...draCrds.map(({ plural }) => `${plural}.${draDriver}`)]);
  await kubectl(['delete', 'resourceslices', '--all']);
};
