import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { differences } from '../../src/kube/difference.ts';
import { abandonedPaths, extract, fieldsOf, formatPath, ownsPath } from '../../src/kube/fields.ts';
import type { Json } from '../../src/kube/json.ts';
import { serverSideApply } from '../../src/kube/model/server-side-apply.ts';
import { object } from './test-cluster.ts';

const live = object({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'x', namespace: 'y' },
  spec: {
    template: {
      spec: {
        dnsPolicy: 'ClusterFirst',
        tolerations: [{ operator: 'Exists' }],
        containers: [
          { name: 'sidecar', image: 's' },
          { name: 'main', image: 'old', imagePullPolicy: 'IfNotPresent' },
        ],
      },
    },
  },
});

const spec = (template: object) => object({ ...live, spec: { template: { spec: template } } });

describe('differences between a wanted and a live object', () => {
  it('are none where the server filled in defaults and others added containers', () => {
    expect(differences(spec({ containers: [{ name: 'main', image: 'old' }] }), live)).toEqual([]);
  });

  it('name the field of the item they are in', () => {
    const found = differences(spec({ containers: [{ name: 'main', image: 'new' }] }), live);
    expect(found.map(({ path }) => formatPath(path))).toEqual([
      '.spec.template.spec.containers[main].image',
    ]);
  });

  it('take a list without keys as one value', () => {
    const found = differences(spec({ tolerations: [] }), live);
    expect(found.map(({ path }) => formatPath(path))).toEqual(['.spec.template.spec.tolerations']);
  });

  it('name a missing container as a whole', () => {
    const found = differences(spec({ containers: [{ name: 'other', image: 'x' }] }), live);
    expect(found.map(({ path, live: was }) => [formatPath(path), was])).toEqual([
      ['.spec.template.spec.containers[other]', undefined],
    ]);
  });
});

describe('owned fields', () => {
  const fields = fieldsOf(live);

  it('are those of the object, without its name', () => {
    expect(
      ownsPath(fields, ['spec', 'template', 'spec', 'containers', { name: 'main' }, 'image']),
    ).toBe(true);
    expect(ownsPath(fields, ['metadata', 'name'])).toBe(false);
  });

  it('that are no longer wanted are found, items of lists too', () => {
    const wanted = spec({
      containers: [{ name: 'main', image: 'old', imagePullPolicy: 'Always' }],
    });
    expect(abandonedPaths(fields, wanted).map(formatPath)).toEqual([
      '.spec.template.spec.dnsPolicy',
      '.spec.template.spec.tolerations',
      '.spec.template.spec.containers[sidecar]',
    ]);
  });

  it('give back the object they were taken from', () => {
    expect(extract(live, fields)).toEqual({ spec: live['spec'] });
  });

  it('of any map are all of it', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.string()), (data) => {
        const configMap = object({
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'a' },
          data,
        });
        expect(abandonedPaths(fieldsOf(configMap), configMap)).toEqual([]);
        expect(extract(configMap, fieldsOf(configMap))).toEqual({ data });
      }),
    );
  });
});

describe('the model of server-side apply', () => {
  const configMap = (data: Record<string, string>) =>
    object({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data });
  const applyAs = (
    manager: string,
    before: Json | undefined,
    data: Record<string, string>,
    force = false,
  ) =>
    serverSideApply(before === undefined ? undefined : object(before as object), {
      object: configMap(data),
      manager,
      force,
      time: '2026-01-01T00:00:00Z',
    });
  const dataOf = (result: ReturnType<typeof applyAs>) =>
    'data' in result ? result['data'] : result;

  it('keeps the keys of two managers apart, and drops what a manager gives up', () => {
    const one = applyAs('one', undefined, { a: '1' });
    const both = applyAs('two', one, { b: '2' });
    expect(dataOf(both)).toEqual({ a: '1', b: '2' });
    expect(dataOf(applyAs('one', both as Json, {}))).toEqual({ b: '2' });
  });

  it('refuses another manager’s field with another value, unless forced', () => {
    const one = applyAs('one', undefined, { a: '1' });
    expect(applyAs('two', one as Json, { a: '2' })).toEqual({
      conflict: 'Apply failed with 1 conflict: conflict with "one": .data.a',
    });
    expect(dataOf(applyAs('two', one as Json, { a: '2' }, true))).toEqual({ a: '2' });
    expect(dataOf(applyAs('two', one as Json, { a: '1' }))).toEqual({ a: '1' });
  });
});
