import { describe, expect, it } from 'vitest';
import type { CommandResult, Host } from '../../src/host.ts';
import { awaitCluster } from '../../src/kube/await-cluster.ts';
import { HostTree } from './host-tree.ts';
import { kubeSpec, testHost } from './test-cluster.ts';

const failing = (stderr: string): CommandResult => ({ ran: true, exitCode: 1, stdout: '', stderr });
const refused = failing(
  'The connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?',
);
const answering: CommandResult = {
  ran: true,
  exitCode: 0,
  stdout: JSON.stringify({ serverVersion: { gitVersion: 'v1.34.2' } }),
  stderr: '',
};

/** Waits on a host whose kubectl says these one after the other, the last one for ever. */
const waiting = async (answers: readonly CommandResult[], spec = kubeSpec, aborted = false) => {
  let asked = 0;
  const told: string[] = [];
  const host: Host = {
    ...testHost(new HostTree('node1')),
    query: () => Promise.resolve(answers[Math.min(asked++, answers.length - 1)] ?? answering),
  };
  const signal = aborted ? AbortSignal.abort() : new AbortController().signal;
  await awaitCluster(spec, host, { signal, tell: (text) => told.push(text) });
  return { asked, told, waitedMs: host.now() };
};

describe('after a boot', () => {
  it('an API server that is not up yet is awaited, and said to be', async () => {
    const { told, waitedMs } = await waiting([refused, refused, refused, answering]);
    expect(told).toEqual([
      'Waiting for the API server to start: The connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?',
    ]);
    expect(waitedMs).toBe(6_000);
  });

  it('the wait has an end', async () => {
    expect((await waiting([refused])).waitedMs).toBe(300_000);
  });

  it.each([
    ['answers at once', answering],
    ['is none that a kubeconfig names', failing('The connection to localhost:8080 was refused')],
    ['does not let the user look', failing('Error from server (Forbidden): nodes is forbidden:')],
    ['cannot be asked for want of kubectl', { ran: false, because: 'no kubectl' } as const],
  ])('a cluster that %s is not waited for', async (_what, answer) => {
    expect(await waiting([answer])).toMatchObject({ told: [], waitedMs: 0 });
  });

  it('the one of a kubeconfig that a distribution left is awaited, though kubectl has none itself', async () => {
    const tree = new HostTree('node1');
    tree.files.set('/etc/kubernetes/admin.conf', '');
    const told: string[] = [];
    const host = testHost(tree);
    const starting: Host = {
      ...host,
      query: ({ argv }) => {
        if (!argv.includes('--kubeconfig=/etc/kubernetes/admin.conf')) {
          return Promise.resolve(
            failing('The connection to the server localhost:8080 was refused'),
          );
        }
        return Promise.resolve(host.now() < 6_000 ? refused : answering);
      },
    };
    const { signal } = new AbortController();
    await awaitCluster(kubeSpec, starting, { signal, tell: (text) => told.push(text) });
    expect(told).toEqual([expect.stringContaining('10.0.0.1:6443 was refused')]);
    expect(host.now()).toBe(6_000);
  });

  it('nobody waits who wants no cluster, or was interrupted', async () => {
    expect((await waiting([refused], { ...kubeSpec, mode: 'off' })).asked).toBe(0);
    expect((await waiting([refused], kubeSpec, true)).asked).toBe(0);
  });
});
