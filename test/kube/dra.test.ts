import { describe, expect, it } from 'vitest';
import { kubeSettings } from '../../src/kube/defaults.ts';
import { toJson } from '../../src/kube/json.ts';
import { draObjects, policiesOf, poolsOfAlone } from '../../src/kube/manifests/dra.ts';
import { readPools } from '../../src/kube/pools/read-pools.ts';
import { dividedPolicies } from '../../src/kube/pools/staying.ts';
import { i350, i350Vfs } from './host-tree.ts';
import { kubeSpec, object as live, specOf } from './test-cluster.ts';
import { validate } from './validate.ts';

const [pool] = await readPools(specOf(), i350());
const objects = pool === undefined ? [] : draObjects(kubeSettings(kubeSpec), 'node1', pool);

describe('a pool for the DRA driver', () => {
  it('is what the schemas of the built-in kinds ask for', () => {
    const builtIn = objects.filter(({ apiVersion }) => apiVersion === 'resource.k8s.io/v1');
    expect(builtIn.map(({ kind }) => kind)).toEqual(['DeviceClass', 'ResourceClaimTemplate']);
    for (const object of builtIn) validate(object);
  });

  it('keeps the name of the resource, so that pods need no change', () => {
    expect(toJson(objects[0] ?? {})).toMatchObject({
      spec: { extendedResourceName: 'example.com/sriov_enp1s0f0' },
    });
  });

  it('advertises exactly the pool’s VFs, on this node', () => {
    const policy = objects.find(({ kind }) => kind === 'SriovResourcePolicy');
    const text = JSON.stringify(policy === undefined ? {} : toJson(policy)['spec']);
    for (const { address } of i350Vfs(4)) expect(text).toContain(address);
    expect(text).not.toContain('0000:01:00');
    expect(text).toContain('"values":["node1"]');
  });

  it('is taken from a node without touching that of a node whose name ends alike', () => {
    const policies = [
      ['a', 'one'],
      ['x-a', 'one'],
      ['a', 'two'],
    ].flatMap(([node = '', name = '']) => {
      if (pool === undefined) return [];
      const made = draObjects(kubeSettings(kubeSpec), node, { ...pool, name });
      return made.filter(({ kind }) => kind === 'SriovResourcePolicy');
    });
    const own = policiesOf(policies, 'a');
    expect(own.map(({ metadata }) => metadata.name)).toEqual(['one-a', 'two-a']);
    expect(poolsOfAlone(own, policies)).toEqual(['two']);
  });

  it('stays when another PF is taken out, and goes when its own is, VFs or not', () => {
    const policies = objects.filter(({ kind }) => kind === 'SriovResourcePolicy').map(live);
    const divided = (spec: {
      readonly pfs: readonly string[];
      readonly gone?: readonly string[];
    }) =>
      dividedPolicies(
        { ...spec, pfs: spec.pfs.map((address) => ({ address, selector: address, vfs: 0 })) },
        'node1',
        policies,
      );
    const all = { going: policies, staying: [] };
    expect(divided({ pfs: ['0000:01:00.0'] })).toEqual(all);
    expect(divided({ pfs: [], gone: ['0000:01:00.0'] })).toEqual(all);
    expect(divided({ pfs: [] })).toEqual(all);
    expect(divided({ pfs: ['0000:01:00.1'] })).toEqual({ going: [], staying: policies });
    expect(divided({ pfs: [], gone: ['0000:01:00.1'] })).toEqual({ going: [], staying: policies });
  });
});
