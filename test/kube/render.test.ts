import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { kubeSettings } from '../../src/kube/defaults.ts';
import { toJson } from '../../src/kube/json.ts';
import { readPools } from '../../src/kube/pools/read-pools.ts';
import { nodeLabelCommand, renderFiles, renderKustomize } from '../../src/kube/render.ts';
import { renderYaml } from '../../src/kube/yaml.ts';
import { i350 } from './host-tree.ts';
import { kubeSpec, specOf } from './test-cluster.ts';
import { validate } from './validate.ts';

const pools = await readPools(specOf(), i350());
const settings = kubeSettings({ ...kubeSpec, namespace: 'sriov' });
const files = renderFiles(settings, 'node1', pools);
const objects = files.flatMap((file) => file.objects);
const kubectl = ['/usr/bin/kubectl', '/usr/local/bin/kubectl'].find((path) => existsSync(path));

describe('rendered objects', () => {
  it('are the same when their YAML is read again', () => {
    const read: unknown[] = parseAllDocuments(renderYaml(objects)).map(
      (one) => one.toJSON() as unknown,
    );
    expect(read).toEqual(objects.map(toJson));
    for (const object of objects) validate(object);
  });

  it('hold no node, whose labels are told apart', () => {
    expect(objects.map(({ kind }) => kind)).not.toContain('Node');
    expect(nodeLabelCommand(settings, 'node1')).toMatch(
      /^kubectl label node node1 sriovctl\/multus=true/,
    );
    expect(nodeLabelCommand({ ...settings, nodeSelector: { a: 'b' } }, 'node1')).toBeUndefined();
  });

  it('name each object once', () => {
    const names = objects.map(
      ({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`,
    );
    expect(new Set(names).size).toBe(names.length);
  });

  it.skipIf(kubectl === undefined)('are what kustomize makes of the folder', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sriovctl-kustomize-'));
    try {
      for (const [name, text] of renderKustomize(files)) writeFileSync(join(folder, name), text);
      const built = execFileSync(kubectl ?? '', ['kustomize', folder], { encoding: 'utf8' });
      const kinds = parseAllDocuments(built).map((one) => (one.toJSON() as { kind: string }).kind);
      expect(kinds.toSorted()).toEqual(objects.map(({ kind }) => kind).toSorted());
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
