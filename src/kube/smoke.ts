import type { Host } from '../host.ts';
import { failureOfId } from './diagnose/catalogue.ts';
import { at, isJsonList, type Json, parseJson, textAt } from './json.ts';
import { networksOf, resourceAnnotation } from './manifests/network.ts';
import { statusAnnotation, workloadInterface, workloadPod } from './manifests/workload.ts';
import type { LiveObject } from './object.ts';
import { resourceOf } from './pools/pool.ts';
import { publishedPools } from './pools/published-pools.ts';
import { readPools } from './pools/read-pools.ts';
import { pingBetween } from './smoke-ping.ts';
import { ask, failed, passed, type SmokeFinding, type Trial, withPod } from './smoke-trial.ts';
import type { Site } from './stage.ts';

/**
 * Starts the sample pod on each pool and asks it: Multus' annotation, the plugin's variable and the
 * interface itself have to name one and the same VF of the right PF. The pod goes in any case.
 */
export const smoke = async (
  site: Site & { readonly host: Host },
  { ping = false }: { readonly ping?: boolean } = {},
): Promise<readonly SmokeFinding[]> => {
  const { cluster, host, settings, spec } = site;
  const pools = cluster.here ? await readPools(spec, host.fs) : await publishedPools(site);
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
    const trial = { cluster, host, settings, pool, pod };
    findings.push(
      ...(await withPod(trial, async (live) => [
        ...(await askPod(trial, live)),
        ...(ping ? await pingBetween(trial) : []),
      ])),
    );
  }
  return findings;
};

const askPod = async (trial: Trial, live: LiveObject): Promise<readonly SmokeFinding[]> => {
  const { pool } = trial;
  const members = pool.members.map(({ vf }) => vf.address);
  const status = networkStatus(live);
  const annotated = textAt(status, 'device-info', 'pci', 'pci-address');
  const given = await askVariable(trial);
  const address = given ?? annotated;
  const findings: SmokeFinding[] = [
    address !== undefined && (members.includes(address) || 'pfs' in pool)
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
  const actual = pf?.split('/').at(-1);
  return [
    compare('interface', own?.split('/').at(-1), address),
    compare('pf', actual, pfOf(trial.pool, address, actual)),
  ];
};

/** Of a pool that another node published, any of its PFs. */
const pfOf = (
  pool: Trial['pool'],
  address: string,
  actual: string | undefined,
): string | undefined =>
  'pfs' in pool
    ? (pool.pfs.find((pf) => pf === actual) ?? pool.pfs[0])
    : pool.members.find(({ vf }) => vf.address === address)?.pf.address;

const askGroup = async (trial: Trial, address: string): Promise<SmokeFinding> => {
  const group = trial.pool.members.find(({ vf }) => vf.address === address)?.vf.iommuGroup;
  const devices = (await ask(trial, ['ls', '/dev/vfio']))?.split('\n') ?? [];
  const [some] = devices.filter((device) => device !== 'vfio');
  if ('pfs' in trial.pool && some !== undefined) {
    return passed('vfio-group', `/dev/vfio/${some} is in the pod`);
  }
  return group !== undefined && devices.includes(group)
    ? passed('vfio-group', `/dev/vfio/${group} is in the pod`)
    : {
        ...failed('vfio-group', `/dev/vfio/${group ?? '(none)'} is not in the pod`),
        hint: failureOfId('vfio-group-moved').remedy,
      };
};

const compare = (
  id: string,
  actual: string | undefined,
  expected: string | undefined,
): SmokeFinding =>
  actual !== undefined && actual === expected
    ? passed(id, actual)
    : failed(id, `it is ${actual ?? 'not there'}, expected is ${expected ?? 'none'}`);
