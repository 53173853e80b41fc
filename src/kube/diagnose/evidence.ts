import type { HostPath, HostView } from '../../host.ts';
import { orUnknown } from '../../sysfs/read.ts';
import type { Cluster } from '../cluster.ts';
import type { KubeSettings } from '../defaults.ts';
import { ciliumConfig } from '../existing.ts';
import { type ExpectedSets, expectedSets } from '../expected-sets.ts';
import { isJsonObject, parseJson, textAt } from '../json.ts';
import { configMapRef, devicePluginPodLabel } from '../manifests/device-plugin.ts';
import { multusPodLabel } from '../manifests/multus.ts';
import { nadGroup } from '../manifests/multus-crd.ts';
import type { LiveObject } from '../object.ts';
import { parsePluginConfig } from '../pools/parse-config.ts';
import { listObjects, readLog, readObject } from '../read-objects.ts';
import { type DeviceSet, registeredResources } from '../registered.ts';
import { podsOnNode } from '../rollout.ts';

/** What of the evidence is on the node itself, and missing where that is not this host. */
export const onNodeAlone: readonly string[] = [
  'which VFs kubelet has registered, besides their number',
  'the CNI’s configuration folder',
  'the expiry of Multus’ token',
];

/** Everything that a diagnosis is made from; gathered once, and judged without asking again. */
export interface Evidence {
  readonly node: LiveObject | undefined;
  /** All pods of the node. */
  readonly pods: readonly LiveObject[];
  /** Pods of the whole cluster that wait for a node. */
  readonly waiting: readonly LiveObject[];
  readonly events: readonly LiveObject[];
  readonly daemonSets: readonly LiveObject[];
  readonly networks: readonly LiveObject[];
  readonly configMap: LiveObject | undefined;
  /** This node's key of it. */
  readonly config: string | undefined;
  readonly pluginPod: LiveObject | undefined;
  readonly pluginLog: readonly string[];
  readonly multusPod: LiveObject | undefined;
  readonly multusLog: readonly string[];
  readonly registered: ReadonlyMap<string, DeviceSet>;
  /** By the plugin's own rules, of another node by number; missing where its configuration cannot be read. */
  readonly expected: ExpectedSets | undefined;
  /** Files of the CNI's configuration folder, where it can be looked at. */
  readonly cniFiles: readonly string[] | undefined;
  /** When the token in Multus' kubeconfig expires, in seconds. */
  readonly multusTokenExpires: number | undefined;
  readonly ciliumConfig: LiveObject | undefined;
  /** By the API server's clock as of its latest event, in milliseconds. */
  readonly now: number;
}

export const gatherEvidence = async (
  cluster: Cluster,
  host: HostView,
  settings: KubeSettings,
): Promise<Evidence> => {
  const { namespace } = settings;
  const { here } = cluster;
  const fields = `spec.nodeName=${cluster.node}`;
  const pods = await listObjects(cluster, host, { resource: 'pods', fields });
  const waiting = await listObjects(cluster, host, {
    resource: 'pods',
    fields: 'spec.nodeName=,status.phase=Pending',
  });
  const configMap = await readObject(cluster, host, configMapRef({ namespace }));
  const config =
    textAt(configMap, 'data', cluster.node) ?? textAt(configMap, 'data', 'config.json');
  const [pluginPod] = await podsOnNode(cluster, host, {
    namespace,
    podLabel: devicePluginPodLabel,
  });
  const [multusPod] = await podsOnNode(cluster, host, { namespace, podLabel: multusPodLabel });
  const events = await listObjects(cluster, host, { resource: 'events' });
  return {
    node: await readObject(cluster, host, { apiVersion: 'v1', kind: 'Node', name: cluster.node }),
    pods,
    waiting,
    events: events.filter((event) => concerns(event, [...pods, ...waiting])),
    daemonSets: await listObjects(cluster, host, { resource: 'daemonsets.apps' }),
    networks: await listObjects(cluster, host, {
      resource: `network-attachment-definitions.${nadGroup}`,
    }),
    configMap,
    config,
    pluginPod,
    pluginLog: await logOf(cluster, host, pluginPod),
    multusPod,
    multusLog: await logOf(cluster, host, multusPod),
    registered: await registeredResources(cluster, host),
    expected: config === undefined ? undefined : await expectationOf(host, config, here),
    cniFiles: here ? await orUnknown(host.fs.list(settings.cni.confDir as HostPath)) : undefined,
    multusTokenExpires: here ? await tokenExpiry(host, settings) : undefined,
    ciliumConfig: await readObject(cluster, host, ciliumConfig),
    now: latestTime(events),
  };
};

const concerns = (event: LiveObject, pods: readonly LiveObject[]): boolean =>
  pods.some(
    ({ metadata }) =>
      textAt(event, 'involvedObject', 'name') === metadata.name &&
      textAt(event, 'involvedObject', 'namespace') === metadata.namespace,
  );

const logOf = async (
  cluster: Cluster,
  host: HostView,
  pod: LiveObject | undefined,
): Promise<readonly string[]> =>
  pod === undefined ? [] : (await readLog(cluster, host, pod)).split('\n');

const expectationOf = async (
  host: HostView,
  config: string,
  here: boolean,
): Promise<ExpectedSets | undefined> => {
  const plugin = parsePluginConfig(config);
  return plugin && expectedSets(here ? {} : { elsewhere: true }, host, plugin);
};

/** The expiry of the token alone is read, and nothing of it kept. */
const tokenExpiry = async (
  { fs }: HostView,
  { cni }: KubeSettings,
): Promise<number | undefined> => {
  const path = `${cni.confDir}/multus.d/multus.kubeconfig` as HostPath;
  const text = (await orUnknown(fs.readText(path))) ?? '';
  const [, payload] = /token:\s*"?[\w-]+\.([\w-]+)\.[\w-]+/.exec(text) ?? [];
  if (payload === undefined) return undefined;
  const claims = parseJson(Buffer.from(payload, 'base64url').toString('utf8'));
  const expires = isJsonObject(claims) ? claims['exp'] : undefined;
  return typeof expires === 'number' ? expires : undefined;
};

const latestTime = (events: readonly LiveObject[]): number =>
  events
    .map((event) => Date.parse(textAt(event, 'lastTimestamp') ?? ''))
    .filter((time) => !Number.isNaN(time))
    .reduce((latest, time) => Math.max(latest, time), 0);
