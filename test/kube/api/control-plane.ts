import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '../../../src/sysfs/linux-command.ts';

const given = process.env['KUBEBUILDER_ASSETS'] ?? '';
/** Where `setup-envtest` put etcd, kube-apiserver and kubectl; `undefined` means no API tests. */
export const assets = given === '' ? undefined : resolve(given);

/** An API server with its store, and nothing else: no controllers, no kubelet. */
export interface ControlPlane {
  /** An administrator's. */
  readonly kubeconfig: string;
  /** A kubeconfig for a user with no rights but those that RBAC gives it. */
  readonly kubeconfigFor: (user: string) => string;
  readonly kubectl: (args: readonly string[], stdin?: string) => Promise<string>;
  /** Ends the API server alone, as a crash would. */
  readonly killApiServer: () => Promise<void>;
  readonly startApiServer: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** A port may have been taken by another program between its choice and its use: then with others. */
export const startControlPlane = async (folder: string): Promise<ControlPlane> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await tryControlPlane(folder);
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
};

const tryControlPlane = async (folder: string): Promise<ControlPlane> => {
  const dir = mkdtempSync(join(tmpdir(), 'sriovctl-api-'));
  folders.add(dir);
  const [etcdPort, peerPort, apiPort] = await freePorts();
  const server = `https://127.0.0.1:${apiPort}`;
  const tokens = new Map([['admin', randomBytes(16).toString('hex')]]);
  for (const user of testUsers) tokens.set(user, randomBytes(16).toString('hex'));
  writeCredentials(dir, tokens);

  const etcd = start(dir, join(folder, 'etcd'), [
    `--data-dir=${join(dir, 'etcd')}`,
    `--listen-client-urls=http://127.0.0.1:${etcdPort}`,
    `--advertise-client-urls=http://127.0.0.1:${etcdPort}`,
    `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
    `--initial-advertise-peer-urls=http://127.0.0.1:${peerPort}`,
    `--initial-cluster=default=http://127.0.0.1:${peerPort}`,
  ]);
  let api: ChildProcess | undefined;

  const kubeconfigFor = (user: string): string => {
    const path = join(dir, `${user}.kubeconfig`);
    if (!existsSync(path)) writeFileSync(path, kubeconfig(server, user, tokens.get(user) ?? ''));
    return path;
  };
  const kubectl = async (args: readonly string[], stdin?: string): Promise<string> => {
    const result = await runCommand({
      argv: [join(folder, 'kubectl'), `--kubeconfig=${kubeconfigFor('admin')}`, ...args],
      ...(stdin !== undefined && { stdin }),
    });
    if (!result.ran || result.exitCode !== 0) {
      throw new Error(result.ran ? result.stderr : result.because);
    }
    return result.stdout;
  };
  const startApiServer = async (): Promise<void> => {
    api = start(dir, join(folder, 'kube-apiserver'), apiServerArgs(dir, etcdPort, apiPort));
    const servers = [etcd, api];
    await ready(dir, servers, () => kubectl(['get', '--raw=/readyz']));
    await ready(dir, servers, () => kubectl(['get', 'namespace', 'kube-system', 'default']));
  };
  const killApiServer = async (): Promise<void> => {
    if (api !== undefined) await end(api, 'SIGKILL');
  };
  const stop = async (): Promise<void> => {
    await killApiServer();
    await end(etcd, 'SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await startApiServer();
  } catch (error) {
    await stop();
    throw error;
  }
  const admin = kubeconfigFor('admin');
  return { kubeconfig: admin, kubeconfigFor, kubectl, killApiServer, startApiServer, stop };
};

/** Users without rights of their own, for the tests of permissions and field managers. */
const testUsers = ['viewer', 'installer', 'printed', 'printed-dra'] as const;

const apiServerArgs = (dir: string, etcdPort: number, apiPort: number): readonly string[] => [
  `--etcd-servers=http://127.0.0.1:${etcdPort}`,
  `--cert-dir=${join(dir, 'certificates')}`,
  '--bind-address=127.0.0.1',
  '--advertise-address=127.0.0.1',
  // It would want an address outside loopback for the service `kubernetes`.
  '--endpoint-reconciler-type=none',
  `--secure-port=${apiPort}`,
  '--service-account-issuer=https://localhost/',
  `--service-account-key-file=${join(dir, 'service-account.pub')}`,
  `--service-account-signing-key-file=${join(dir, 'service-account.key')}`,
  '--service-cluster-ip-range=10.0.0.0/24',
  '--authorization-mode=RBAC',
  `--token-auth-file=${join(dir, 'tokens.csv')}`,
  '--allow-privileged=true',
  '--disable-admission-plugins=ServiceAccount',
];

const writeCredentials = (dir: string, tokens: ReadonlyMap<string, string>): void => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const write = (name: string, content: string | Buffer): void => {
    writeFileSync(join(dir, name), content, { mode: 0o600 });
  };
  write('service-account.key', pair.privateKey.export({ type: 'pkcs1', format: 'pem' }));
  write('service-account.pub', pair.publicKey.export({ type: 'spki', format: 'pem' }));
  const rows = [...tokens].map(([user, token]) =>
    user === 'admin' ? `${token},${user},${user},system:masters` : `${token},${user},${user}`,
  );
  write('tokens.csv', `${rows.join('\n')}\n`);
};

/** The API server makes its own certificate for loopback; only this machine can reach it. */
const kubeconfig = (server: string, user: string, token: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user } }],
  });

const start = (dir: string, program: string, args: readonly string[]): ChildProcess => {
  const log = openSync(logOf(dir, program), 'a');
  const child = spawn(program, args, { stdio: ['ignore', log, log], cwd: dir });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
};

/** Nothing is left running or lying about when this process is ended in the middle of a test. */
const running = new Set<ChildProcess>();
const folders = new Set<string>();
const endAll = (): void => {
  for (const child of running) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
};
process.once('exit', endAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    endAll();
    process.exit(1);
  });
}

const logOf = (dir: string, program: string): string =>
  join(dir, `${program.split('/').at(-1) ?? ''}.log`);

const end = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
};

const ready = async (
  dir: string,
  servers: readonly ChildProcess[],
  ask: () => Promise<unknown>,
): Promise<void> => {
  const deadline = Date.now() + 240_000;
  for (;;) {
    try {
      await ask();
      return;
    } catch (error) {
      const ended = servers.some(({ exitCode }) => exitCode !== null);
      if (ended || Date.now() > deadline) {
        const logs = ['etcd', 'kube-apiserver'].map((program) =>
          readFileSync(logOf(dir, program), 'utf8').slice(-3_000),
        );
        throw new Error(`the API server did not come up:\n${logs.join('\n')}`, { cause: error });
      }
      await sleep(200);
    }
  }
};

/** Ports that the kernel gives out now; bound again right away, so a clash is most unlikely. */
const freePorts = async (): Promise<readonly [number, number, number]> => {
  const listen = () =>
    new Promise<ReturnType<typeof createServer>>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        resolve(server);
      });
    });
  const servers = await Promise.all([listen(), listen(), listen()]);
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' ? (address?.port ?? 0) : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports as unknown as readonly [number, number, number];
};
