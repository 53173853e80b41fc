import { describe, expect, it } from 'vitest';
import {
  applyCommand,
  explainStderr,
  listCommand,
  parseObjects,
  withoutCredentials,
} from '../../src/kube/kubectl.ts';

const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node1' } };

describe('commands of kubectl', () => {
  it('name the cluster and the field manager, and take the object on stdin', () => {
    const command = applyCommand({ kubeconfig: '/root/k.conf', context: 'lab' }, node, {
      fieldManager: 'sriovctl-node1',
    });
    expect(command.argv).toEqual([
      'kubectl',
      '--kubeconfig=/root/k.conf',
      '--context=lab',
      '--request-timeout=30s',
      'apply',
      '--server-side',
      '--field-manager=sriovctl-node1',
      '--filename=-',
    ]);
    expect(JSON.parse(command.stdin ?? '')).toEqual(node);
  });

  it('take fields over only when that is allowed', () => {
    const options = { fieldManager: 'sriovctl', forceConflicts: true };
    expect(applyCommand({}, node, options).argv).toContain('--force-conflicts');
  });

  it('list all namespaces unless one is named', () => {
    expect(listCommand({}, { resource: 'pods' }).argv).toContain('--all-namespaces');
    expect(listCommand({}, { resource: 'pods', namespace: 'x' }).argv).toContain('--namespace=x');
  });
});

describe('answers of kubectl', () => {
  const said = (stderr: string, stdout = '') =>
    ({ ran: true, exitCode: 1, stdout, stderr }) as const;

  it.each([
    ['Error from server (Forbidden): nodes "x" is forbidden: User "y" cannot get', 'forbidden'],
    ['error: You must be logged in to the server (Unauthorized)', 'unauthorized'],
    [
      'The connection to the server localhost:8080 was refused - did you specify the right host or port?',
      'unreachable',
    ],
    ['Unable to connect to the server: net/http: TLS handshake timeout', 'unreachable'],
    ['error: context "x" does not exist', 'config'],
    ['error: stat /none: no such file or directory', 'config'],
    ['error: unable to recognize no matches for kind "A" in version "b/v1"', 'no-such-kind'],
    ['error: the server doesn\'t have a resource type "foos"', 'no-such-kind'],
    ['error: Apply failed with 1 conflict: conflict with "x": .data.y', 'conflict'],
    ['Error from server (NotFound): pods "x" not found', 'not-found'],
    ['Error from server (Invalid): DaemonSet.apps "x" is invalid', 'other'],
  ])('%j is meant as %s', (stderr, kind) => {
    expect(explainStderr(stderr).kind).toBe(kind);
  });

  it('hold what was found, also when the server does not know one of the kinds', () => {
    const answer = parseObjects(
      said('error: unable to recognize no matches for kind "A"', JSON.stringify(node)),
    );
    expect(answer).toEqual({ ok: true, value: [node] });
  });

  it('hold nothing when nothing is there', () => {
    const nothing = { ran: true, exitCode: 0, stdout: '', stderr: '' } as const;
    expect(parseObjects(nothing)).toEqual({ ok: true, value: [] });
  });

  it('are told in one line, without the client’s own log lines', () => {
    const stderr =
      "E1124 10:30:00.123456   12 memcache.go:265] couldn't get\nUnable to connect to the server: EOF\n";
    expect(explainStderr(stderr).message).toBe('Unable to connect to the server: EOF');
  });

  it('never show credentials', () => {
    const text = withoutCredentials(
      'Get "https://admin:hunter2@api:6443/x": Authorization: Bearer abc.def token=xyz eyJhbGciOi.eyJzdWIi.c2ln',
    );
    for (const secret of ['hunter2', 'abc.def', 'xyz', 'eyJzdWIi'])
      expect(text).not.toContain(secret);
  });
});
