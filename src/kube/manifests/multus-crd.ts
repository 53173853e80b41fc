import type { ICustomResourceDefinition } from 'kubernetes-models/apiextensions.k8s.io/v1';
import type { KubeObject } from '../../host.ts';
import { managedBy } from './daemon-set.ts';

export const nadGroup = 'k8s.cni.cncf.io';
export const nadCrdName = `network-attachment-definitions.${nadGroup}`;

/** The kind that Multus reads networks from; many distributions bring it, and then it is theirs. */
export const nadCrd: ICustomResourceDefinition & KubeObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: nadCrdName, labels: { ...managedBy } },
  spec: {
    group: nadGroup,
    scope: 'Namespaced',
    names: {
      kind: 'NetworkAttachmentDefinition',
      plural: 'network-attachment-definitions',
      singular: 'network-attachment-definition',
      shortNames: ['nad', 'net-attach-def'],
    },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            description: 'A network that pods can be attached to besides their default network.',
            properties: {
              apiVersion: { type: 'string' },
              kind: { type: 'string' },
              metadata: { type: 'object' },
              spec: {
                type: 'object',
                properties: {
                  config: { type: 'string', description: 'A CNI configuration, as JSON text.' },
                },
              },
            },
          },
        },
      },
    ],
  },
};
