import { describe, expect, it } from 'vitest';
import { kubeSettings } from '../../src/kube/defaults.ts';
import { installerRole } from '../../src/kube/installer-role.ts';
import { draDriver } from '../../src/kube/manifests/dra.ts';
import { everyKind } from '../../src/kube/wanted.ts';
import type { KubeSpec } from '../../src/resolved-spec.ts';
import { kubeSpec } from './test-cluster.ts';

/** The verbs on resources of a DRA driver and of Kubernetes' own kinds for it. */
const draVerbs = (allocation: NonNullable<KubeSpec['allocation']>) => {
  const { rules } = installerRole(everyKind(kubeSettings({ ...kubeSpec, allocation }), 'node1'));
  const own = rules.filter(({ apiGroups: [group = ''] }) =>
    [draDriver, 'resource.k8s.io'].includes(group),
  );
  return Object.fromEntries(
    own.map(({ resources, verbs }) => [resources.join(), verbs.toSorted().join(' ')]),
  );
};

describe('the role of an installer', () => {
  it('lets a teardown look whether a DRA driver has VFs of the node', () => {
    expect(draVerbs('device-plugin')).toEqual({ sriovresourcepolicies: 'list' });
  });

  it('is enough for a DRA driver where that hands out the VFs', () => {
    const all = 'create delete get list patch';
    expect(draVerbs('dra')).toEqual({
      sriovresourcepolicies: all,
      deviceattributes: all,
      deviceclasses: all,
      resourceclaimtemplates: all,
      resourceslices: 'list',
    });
  });
});
