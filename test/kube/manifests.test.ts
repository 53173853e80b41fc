import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/host.ts';
import { kubeSettings } from '../../src/kube/defaults.ts';
import { listAt, parseJson, textAt, toJson } from '../../src/kube/json.ts';
import { canaryPod } from '../../src/kube/manifests/canary.ts';
import { devicePluginObjects } from '../../src/kube/manifests/device-plugin.ts';
import { multusObjects } from '../../src/kube/manifests/multus.ts';
import { sriovCniObjects } from '../../src/kube/manifests/sriov-cni.ts';
import { readPools } from '../../src/kube/pools/read-pools.ts';
import {
  pluginConfig,
  wantedDevicePlugin,
  wantedMultus,
  wantedNetworks,
  wantedSriovCni,
} from '../../src/kube/wanted.ts';
import type { KubeSpec } from '../../src/resolved-spec.ts';
import { i350 } from './host-tree.ts';
import { kubeSpec, specOf } from './test-cluster.ts';
import { validate } from './validate.ts';

const tree = i350();
const pools = await readPools(specOf(), tree);

const all = (kube: Partial<KubeSpec> = {}): readonly KubeObject[] => {
  const settings = kubeSettings({ ...kubeSpec, ...kube });
  return [
    ...wantedMultus(settings, 'node1'),
    ...wantedSriovCni(settings, 'node1'),
    ...wantedDevicePlugin(settings, 'node1', pluginConfig(pools)),
    ...wantedNetworks(settings, pools),
  ].map(({ object }) => object);
};

const imagesIn = (objects: readonly KubeObject[]): readonly string[] =>
  objects.flatMap((object) =>
    ['initContainers', 'containers'].flatMap((field) =>
      listAt(toJson(object), 'spec', 'template', 'spec', field).map(
        (container) => textAt(container, 'image') ?? '',
      ),
    ),
  );

describe('the objects of a setup', () => {
  it.each(
    all({ namespace: 'sriov' }).map(
      (object) => [`${object.kind} ${object.metadata.name}`, object] as const,
    ),
  )('%s is what the schema of its kind asks for', (_name, object) => {
    validate(object);
  });

  it('are so with Multus thin and its token where the runtime looks', () => {
    const objects = all({ multus: 'thin', cni: { confDir: '/var/lib/rancher/k3s/agent/etc/cni' } });
    for (const object of objects) validate(object);
    const text = JSON.stringify(objects);
    expect(text).toContain('multus-cni:v4.3.0"');
    expect(text).toContain(
      '--multus-kubeconfig-file-host=/var/lib/rancher/k3s/agent/etc/cni/multus.d/multus.kubeconfig',
    );
    expect(text).not.toContain('multus-daemon-config');
  });

  it.each(['before', 'after'] as const)('are so with the plain pod %s', (time) => {
    validate(canaryPod(kubeSettings(kubeSpec), 'node1', time));
  });

  it('are refused by the schemas when a field has the wrong type', () => {
    const broken = { ...all().find(({ kind }) => kind === 'DaemonSet'), spec: { selector: 'x' } };
    expect(() => {
      validate(broken as unknown as KubeObject);
    }).toThrow();
  });

  it('use no image of a moving tag', () => {
    for (const image of imagesIn(all())) expect(image).toMatch(/:v\d+\.\d+\.\d+(-thick)?$/);
  });

  it('take all images from a mirror that keeps the paths, or from where each is said to be', () => {
    const [multus, ...rest] = imagesIn(
      all({
        registry: 'mirror.example.com:5000/cache',
        images: { sriovCni: 'example.com/cni@sha256:0' },
      }),
    );
    expect(multus).toBe(
      'mirror.example.com:5000/cache/k8snetworkplumbingwg/multus-cni:v4.3.0-thick',
    );
    expect(rest).toContain('example.com/cni@sha256:0');
    expect(rest.filter((image) => image.startsWith('ghcr.io'))).toEqual([]);
  });

  it('give Multus memory enough for a booting node', () => {
    const daemonSet = multusObjects(kubeSettings(kubeSpec)).find(
      ({ kind }) => kind === 'DaemonSet',
    );
    const [container] = listAt(toJson(daemonSet ?? {}), 'spec', 'template', 'spec', 'containers');
    const limit = textAt(container, 'resources', 'limits', 'memory') ?? '';
    expect(Number.parseInt(limit, 10)).toBeGreaterThanOrEqual(200);
  });

  it('mount the CNI folder for Multus at the same path inside and outside', () => {
    const settings = kubeSettings({
      ...kubeSpec,
      cni: { binDir: '/var/lib/rancher/k3s/data/cni' },
    });
    const daemonSet = toJson(
      multusObjects(settings).find(({ kind }) => kind === 'DaemonSet') ?? {},
    );
    const [container] = listAt(daemonSet, 'spec', 'template', 'spec', 'containers');
    const mount = listAt(container, 'volumeMounts').find((one) => textAt(one, 'name') === 'cnibin');
    expect(textAt(mount, 'mountPath')).toBe('/var/lib/rancher/k3s/data/cni');
  });

  it('give the device plugin the host’s network, and no token', () => {
    const [account, daemonSet] = devicePluginObjects(kubeSettings(kubeSpec)).map(toJson);
    expect(account).toMatchObject({ automountServiceAccountToken: false });
    expect(daemonSet).toMatchObject({
      spec: { template: { spec: { hostNetwork: true, automountServiceAccountToken: false } } },
    });
  });

  it('make the CNI’s container privileged only where that is asked for', () => {
    const contextOf = (kube: Partial<KubeSpec>) => {
      const [daemonSet] = sriovCniObjects(kubeSettings({ ...kubeSpec, ...kube })).map(toJson);
      const [container] = listAt(daemonSet, 'spec', 'template', 'spec', 'containers');
      return toJson(container as object)['securityContext'];
    };
    expect(contextOf({})).toMatchObject({ privileged: false, capabilities: { drop: ['ALL'] } });
    expect(contextOf({ cni: { privileged: true } })).toEqual({ privileged: true });
  });

  it('keep to the nodes that were set up, or to those of a given selector', () => {
    const selectors = (kube: Partial<KubeSpec>) =>
      all(kube)
        .filter(({ kind }) => kind === 'DaemonSet')
        .map((object) => toJson(object))
        .map((object) => JSON.stringify(object).match(/"nodeSelector":(\{.*?\})/)?.[1]);
    expect(selectors({})).toEqual(
      ['multus', 'sriov-cni', 'device-plugin'].map(
        (component) => `{"kubernetes.io/os":"linux","sriovctl/${component}":"true"}`,
      ),
    );
    const given = selectors({ nodeSelector: { sriov: 'yes' } });
    expect(new Set(given)).toEqual(new Set(['{"kubernetes.io/os":"linux","sriov":"yes"}']));
    expect(all({ nodeSelector: { sriov: 'yes' } }).map(({ kind }) => kind)).not.toContain('Node');
  });

  it('hold JSON that can be read again', () => {
    const texts = all().flatMap(
      (object) => Object.values(toJson(object)['data'] ?? {}) as string[],
    );
    expect(texts.length).toBeGreaterThan(1);
    for (const text of texts) expect(parseJson(text)).toBeTypeOf('object');
  });
});
