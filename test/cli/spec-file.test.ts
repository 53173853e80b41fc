import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { malformed } from '../spec/malformed.ts';
import { demo, onDemo, sriovctl, temporaryFolder } from './built.ts';

const folder = temporaryFolder();
afterAll(folder.remove);

const write = (name: string, text: string): string => {
  const file = join(folder.path, name);
  writeFileSync(file, text);
  return file;
};

const countsOf = (stdout: string): readonly number[] =>
  (JSON.parse(stdout) as { pfs: { vfs: unknown[] }[] }).pfs.map(({ vfs }) => vfs.length);

describe('a spec file', () => {
  test('says what the flags say', async () => {
    const file = write(
      'two.yaml',
      'pfs:\n  - {pf: enp1s0f0, vfs: 4}\n  - {pf: 0000:01:00.1, vfs: 2}\n',
    );
    const { stdout, exitCode } = await sriovctl('setup', ...onDemo, '--config', file, '--json');
    expect(exitCode).toBe(0);
    expect(countsOf(stdout)).toEqual([4, 2]);
  });

  test('matches PFs by vendor, device and driver, all but those that are named', async () => {
    const file = write(
      'match.yaml',
      'pfs:\n  - {match: {vendor: "8086", device: "0x1521", driver: igb}, vfs: 3}\n  - {pf: enp1s0f1, vfs: 1}\n',
    );
    const { stdout } = await sriovctl('setup', ...onDemo, '--config', file, '--json');
    expect(countsOf(stdout).toSorted()).toEqual([1, 3]);

    const none = write('none.yaml', 'pfs: [{match: {driver: ice}, vfs: 3}]\n');
    const refused = await sriovctl('setup', ...onDemo, '--config', none);
    expect(refused).toMatchObject({ exitCode: 4 });
    expect(refused.stderr).toContain('enp1s0f0 (8086:1521, igb)');
  });

  test('is overridden by flags: a count, and the choice of PFs', async () => {
    const file = write(
      'flags.yaml',
      'pfs:\n  - {pf: enp1s0f0, vfs: 4}\n  - {pf: enp1s0f1, vfs: 2}\n',
    );
    const one = await sriovctl('setup', ...onDemo, '--config', file, '--pf', 'enp1s0f1', '--json');
    expect(countsOf(one.stdout)).toEqual([2]);
    const other = await sriovctl(
      ...['setup', ...onDemo, '--config', file, '--pf', 'enp1s0f0', '--vfs', '5', '--json'],
    );
    expect(countsOf(other.stdout)).toEqual([5]);
  });

  test('chooses the node by label, or says that none fits', async () => {
    const file = write(
      'nodes.yaml',
      `nodes:
  - match: {labels: {role: "storage-*"}}
    spec: {pfs: [{pf: enp1s0f0, vfs: 1}]}
  - match: {labels: {role: net}}
    spec: {pfs: [{pf: enp1s0f0, vfs: 6}]}
`,
    );
    const args = ['setup', ...onDemo, '--config', file, '--json'];
    const net = await sriovctl(...args, '--node-label', 'role=net');
    expect(countsOf(net.stdout)).toEqual([6]);
    const storage = await sriovctl(...args, '--node-label', 'role=storage-2');
    expect(countsOf(storage.stdout)).toEqual([1]);
    const none = await sriovctl(...args);
    expect(none).toMatchObject({ exitCode: 4 });
    expect(none.stderr).toContain('NODE_NOT_IN_SPEC');
  });

  test('that is not there is named', async () => {
    const missing = await sriovctl('verify', ...onDemo, '--config', '/no/such.yaml');
    expect(missing).toMatchObject({ exitCode: 2 });
    expect(missing.stderr).toContain('/no/such.yaml cannot be read (ENOENT)');
  });

  test('written by init is read by setup, and its schema takes it', async () => {
    const { stdout } = await sriovctl('init', '--simulate', demo);
    expect(stdout).toMatch(/^# yaml-language-server: \$schema=/);
    const file = write('init.yaml', stdout);
    const setup = await sriovctl('setup', ...onDemo, '--config', file, '--json');
    expect(countsOf(setup.stdout)).toEqual([4, 4]);

    const schema = JSON.parse((await sriovctl('schema')).stdout) as object;
    const valid = new Ajv().compile(schema);
    expect(valid(parse(stdout))).toBe(true);
    expect(valid({ pfs: [{ pf: 'a', vsf: 1 }] })).toBe(false);
  });

  test('is never written over by init', async () => {
    const file = write('kept.yaml', 'pfs: []\n');
    const refused = await sriovctl('init', '--simulate', demo, '--out', file);
    expect(refused).toMatchObject({ exitCode: 2 });
    expect(refused.stderr).toContain('it is there already'.replace('it', 'It'));
  });

  // test/spec/malformed.test.ts has all of them; these show the way through the program.
  test.each(malformed.filter((_, index) => index % 8 === 0))(
    'with $cause ends the program with 2, place and remedy',
    async ({ text }) => {
      const at = text.slice(0, text.indexOf('«')).split('\n');
      const file = write(`bad-${String(Math.random()).slice(2)}.yaml`, text.replace('«', ''));
      const { exitCode, stderr, stdout } = await sriovctl('setup', ...onDemo, '--config', file);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(stderr).toContain(`${file}:${at.length}:${(at.at(-1)?.length ?? 0) + 1}: `);
      expect(stderr).not.toMatch(/^ +at /m);
    },
  );
});
