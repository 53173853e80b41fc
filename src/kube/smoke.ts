import type { Host, KubeObject } from '../host.ts';
import type { ResolvedSpec } from '../resolved-spec.ts';
import type { Cluster } from './cluster.ts';
import { queryKube } from './cluster.ts';
import type { KubeSettings } from './defaults.ts';
import { failureOfId, recognize } from './diagnose/catalogue.ts';
import { at, isJsonList, type Json, listAt, parseJson, textAt } from './json.ts';
import { applyCommand, execCommand, explainStderr } from './kubectl.ts';
import { networksOf, resourceAnnotation } from './manifests/network.ts';
import { statusAnnotation, workloadInterface, workloadPod } from './manifests/workload.ts';
import { type LiveObject, refOf } from './object.ts';
import { deletion, listObjects, readObject, sharedManager } from './plan-objects.ts';
import { type Pool, resourceOf } from './pools/pool.ts';
import { podTrouble } from './rollout.ts';
import { readPools } from './stage.ts';

/** One thing that a pod with a VF has to show. */
export interface SmokeFinding {
  readonly id: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly hint?: string;
}

/** What a test of one pool was done with. */
interface Trial {
  readonly cluster: Cluster;
  readonly host: Host;
  readonly settings: KubeSettings;
  readonly pool: Pool;
  readonly pod: KubeObject;
}

/** How long the scheduler, the image and the CNI may take, in milliseconds. */
const startMs = 120_000;

/**
 * Starts the sample pod on each pool and asks it: Multus' annotation, the plugin's variable and the
 * interface itself have to name one and the same VF of the right PF. The pod goes in any case.
 */
export const smoke = async (
  cluster: Cluster,
  host: Host,
  settings: KubeSettings,
  spec: ResolvedSpec,
): Promise<readonly SmokeFinding[]> => {
  const pools = await readPools(spec, host.fs);
  const networks = networksOf(settings, pools);
  const findings: SmokeFinding[] = [];
  for (const pool of pools) {
    const network = networks.find(
      ({ metadata }) => metadata.annotations?.[resourceAnnotation] === resourceOf(pool),
    );
    if (network === undefined) {
      findings.push(failed('network', `${resourceOf(pool)} has no network`));
      continue;
    }
    const pod = workloadPod(settings, {
      name: `sriovctl-smoke-${pool.name.replaceAll('_', '-')}`.slice(0, 63),
      node: cluster.node,
      pool,
      network: {
        name: network.metadata.name,
        ...(network.metadata.namespace !== undefined && { namespace: network.metadata.namespace }),
      },
    });
    findings.push(...(await tryPod({ cluster, host, settings, pool, pod })));
  }
  return findings;
};

const tryPod = async (trial: Trial): Promise<readonly SmokeFinding[]> => {
  const { cluster, host, pod } = trial;
  await host.perform({
    kind: 'object',
    object: pod,
    command: applyCommand(cluster.access, pod, { fieldManager: sharedManager }),
  });
  try {
    const started = await awaitPod(trial);
    if (typeof started === 'string') return [await explained(trial, started)];
    return [passed('running', `pod ${pod.metadata.name} runs`), ...(await askPod(trial, started))];
  } finally {
    await host.perform(deletion(cluster, refOf(pod)));
  }
};

/** The running pod, or why it does not run. */
const awaitPod = async ({ cluster, host, pod }: Trial): Promise<LiveObject | string> => {
  const deadline = host.now() + startMs;
  for (;;) {
    const live = await readObject(cluster, host, refOf(pod));
    const phase = textAt(live, 'status', 'phase');
    if (live !== undefined && phase === 'Running' && podTrouble(live) === undefined) return live;
    const trouble = live === undefined ? 'it is not there' : (podTrouble(live) ?? phase ?? '');
    if (phase === 'Failed' || host.now() >= deadline) return trouble;
    await host.wait(1_000);
  }
};

/** The pod's own events say more than its phase, and lead to what to do. */
const explained = async (trial: Trial, trouble: string): Promise<SmokeFinding> => {
  const { cluster, host, pod } = trial;
  const { name, namespace = 'default' } = pod.metadata;
  const events = await listObjects(cluster, host, {
    resource: 'events',
    namespace,
    fields: `involvedObject.name=${name}`,
  });
  const live = await readObject(cluster, host, refOf(pod));
  const messages = [
    trouble,
    ...events.map((event) => textAt(event, 'message') ?? ''),
    ...listAt(live, 'status', 'conditions').map((one) => textAt(one, 'message') ?? ''),
  ].filter((message) => message !== '');
  const known = messages.find((message) => recognize(message) !== undefined);
  const id = known === undefined ? undefined : recognize(known);
  const { cause, remedy } =
    id === undefined
      ? { cause: 'the reason is none of the known ones', remedy: `kubectl describe pod ${name}` }
      : failureOfId(id);
  return {
    ...failed('running', `pod ${name} does not run: ${known ?? messages.at(-1) ?? ''} (${cause})`),
    hint: remedy,
  };
};

const askPod = async (trial: Trial, live: LiveObject): Promise<readonly SmokeFinding[]> => {
  const { pool } = trial;
  const members = pool.members.map(({ vf }) => vf.address);
  const status = networkStatus(live);
  const annotated = textAt(status, 'device-info', 'pci', 'pci-address');
  const given = await askVariable(trial);
  const address = given ?? annotated;
  const findings: SmokeFinding[] = [
    address !== undefined && members.includes(address)
      ? passed('vf-of-pool', `the pod was given ${address}`)
      : failed(
          'vf-of-pool',
          `the pod was given ${address ?? 'nothing'}, the pool is ${members.join(', ')}`,
        ),
    // Multus passes the device's file on at best: without it only the others are compared.
    annotated === undefined || annotated === address
      ? passed('network-status', `Multus says ${annotated ?? 'nothing of the device'}`)
      : failed('network-status', `Multus says ${annotated}, the plugin ${address ?? 'nothing'}`),
  ];
  if (status === undefined) {
    findings.push({
      ...failed('network-attached', 'Multus attached no network to the pod'),
      hint: failureOfId('multus-inactive').remedy,
    });
  }
  if (address === undefined) return findings;
  return [
    ...findings,
    ...(pool.kind === 'kernel'
      ? await askInterface(trial, address)
      : [await askGroup(trial, address)]),
  ];
};

const networkStatus = (live: LiveObject): Json | undefined => {
  const text = live.metadata.annotations?.[statusAnnotation];
  const list = text === undefined ? undefined : parseJson(text);
  return isJsonList(list)
    ? list.find((entry) => at(entry, 'interface') === workloadInterface)
    : undefined;
};

/** PCIDEVICE_ and the resource in capitals; only dots become underscores, and the slash. */
export const variableOf = (resource: string): string =>
  `PCIDEVICE_${resource.toUpperCase().replaceAll(/[./]/g, '_')}`;

const askVariable = async (trial: Trial): Promise<string | undefined> => {
  const value = await ask(trial, ['printenv', variableOf(resourceOf(trial.pool))]);
  return value?.split(',')[0];
};

/** Not physfn/net: what the pod sees of /sys is its own network namespace's. */
const askInterface = async (trial: Trial, address: string): Promise<readonly SmokeFinding[]> => {
  const device = `/sys/class/net/${workloadInterface}/device`;
  const own = await ask(trial, ['readlink', device]);
  const pf = await ask(trial, ['readlink', `${device}/physfn`]);
  const expected = trial.pool.members.find(({ vf }) => vf.address === address)?.pf.address;
  return [
    compare('interface', own?.split('/').at(-1), address),
    compare('pf', pf?.split('/').at(-1), expected),
  ];
};

const askGroup = async (trial: Trial, address: string): Promise<SmokeFinding> => {
  const group = trial.pool.members.find(({ vf }) => vf.address === address)?.vf.iommuGroup;
  const devices = (await ask(trial, ['ls', '/dev/vfio']))?.split('\n') ?? [];
  return group !== undefined && devices.includes(group)
    ? passed('vfio-group', `/dev/vfio/${group} is in the pod`)
    : {
        ...failed('vfio-group', `/dev/vfio/${group ?? '(none)'} is not in the pod`),
        hint: failureOfId('vfio-group-moved').remedy,
      };
};

const ask = async (
  { cluster, host, pod }: Trial,
  argv: readonly string[],
): Promise<string | undefined> => {
  const { name, namespace = 'default' } = pod.metadata;
  const result = await queryKube(host, execCommand(cluster.access, { name, namespace }, argv));
  if (!result.ran || (result.exitCode !== 0 && explainStderr(result.stderr).kind !== 'other')) {
    return undefined;
  }
  const text = result.stdout.trim();
  return text === '' ? undefined : text;
};

const compare = (
  id: string,
  actual: string | undefined,
  expected: string | undefined,
): SmokeFinding =>
  actual !== undefined && actual === expected
    ? passed(id, actual)
    : failed(id, `it is ${actual ?? 'not there'}, expected is ${expected ?? 'none'}`);

const passed = (id: string, detail: string): SmokeFinding => ({ id, ok: true, detail });
const failed = (id: string, detail: string): SmokeFinding => ({ id, ok: false, detail });
