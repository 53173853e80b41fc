import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import Ajv from 'ajv';
import { parse as junit2json } from 'junit2json';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { openSchema } from '../../src/cli/schemas.ts';
import { demo, onDemo, root, sriovctl, sriovctlWith, temporaryFolder } from './built.ts';

const require = createRequire(import.meta.url);
/** SARIF 2.1.0 as OASIS has published it. */
const sarifSchema = require('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json') as object;
const draft04 = require('ajv/lib/refs/json-schema-draft-04.json') as object;

interface Log {
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
    readonly results: readonly { readonly ruleId: string; readonly ruleIndex: number }[];
  }[];
}

const folder = temporaryFolder();
afterAll(folder.remove);

const four = [...onDemo, '--only', 'driver,vfs,lspci', '--pf', 'enp1s0f0', '--vfs', '4'] as const;
/** Stages whose output is not changed by what others of them learn to check. */
const looked = [...onDemo, '--only', 'driver,lspci', '--pf', 'enp1s0f0=4'] as const;
/** The tree that a setup of four VFs ends with. */
const set = join(folder.path, 'set');
beforeAll(async () => {
  await sriovctl('setup', ...four, '--simulate-out', set);
});
const onSet = ['--simulate', set, '--no-kube', '--only', 'driver,vfs,lspci'] as const;

describe('documents', () => {
  const valid = async (name: string, text: string): Promise<void> => {
    const schema = (await openSchema(name)) as object;
    const ajv = new Ajv({ schemaId: 'auto', jsonPointers: true });
    const validate = ajv.compile(schema);
    validate(JSON.parse(text));
    expect(validate.errors ?? []).toEqual([]);
  };

  test.each([
    ['run', ['setup', ...four]],
    ['run', ['setup', ...four, '--dry-run']],
    ['run', ['teardown', '--simulate', set, '--no-kube', '--pf', 'enp1s0f0']],
    ['run', ['verify', ...four]],
    ['plan', ['plan', ...four]],
    ['list', ['list', '--simulate', set]],
    ['show', ['show', 'enp1s0f0', '--simulate', set]],
    ['error', ['verify', ...onDemo, '--pf', 'nothing', '--vfs', '1']],
    ['explain', ['explain', 'vf-count']],
    ['explain', ['explain', 'spec']],
    ['findings', ['kube', 'lint', 'package.json']],
  ])('%s: %j -o json fits its published schema', async (name, args) => {
    await valid(name, (await sriovctl(...args, '-o', 'json')).stdout);
  });

  test.runIf(process.geteuid?.() === 0)('end: undo -o json fits its published schema', async () => {
    await valid('end', (await sriovctl('undo', '--run', 'none', '-o', 'json')).stdout);
  });

  test('are the same in YAML', async () => {
    const [json, yaml] = await Promise.all(
      ['json', 'yaml'].map((format) => sriovctl('verify', ...four, '-o', format)),
    );
    expect(parse(yaml?.stdout ?? '')).toEqual(JSON.parse(json?.stdout ?? ''));
    expect(yaml?.exitCode).toBe(json?.exitCode);
  });

  test('of a wrong spec file have the places', async () => {
    const file = join(folder.path, 'wrong.yaml');
    writeFileSync(file, 'pfs:\n  - pf: a\n    vfs: x\n');
    const { stdout, exitCode } = await sriovctl('setup', ...onDemo, '--config', file, '-o', 'json');
    await valid('error', stdout);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      outcome: 'error',
      exitCode: 2,
      problems: [{ code: 'SPEC_INVALID', file, line: 3, column: 10 }],
    });
  });
});

describe('MACs in a simulation', () => {
  const wanted = [...onDemo, '--only', 'driver,vfs,vf-settings,vf-driver', '--pf', 'enp1s0f0=4'];
  const vfsOf = async (...flags: readonly string[]) => {
    const { stdout } = await sriovctl('plan', ...wanted, ...flags, '-o', 'json');
    const [pf] = (
      JSON.parse(stdout) as {
        pfs: { vfs: { netdev?: string; mac?: string; randomMac?: true }[] }[];
      }
    ).pfs;
    return pf?.vfs ?? [];
  };

  test('are not given where the real host will draw others', async () => {
    const { stdout } = await sriovctl('plan', ...wanted);
    expect(stdout).toMatch(/enp1s0f0v3 +random +igbvf/);
    for (const vf of await vfsOf()) {
      expect(vf.netdev).toBeDefined();
      expect(vf).toMatchObject({ randomMac: true });
      expect(vf.mac).toBeUndefined();
    }
  });

  test('are given where they are set or worked out', async () => {
    const [first, second] = await vfsOf('--vf', '0:mac=02:00:00:00:00:10');
    expect(first?.mac).toBe('02:00:00:00:00:10');
    expect(second?.mac).toBeUndefined();
    const stable = await vfsOf('--mac-policy', 'stable');
    expect(new Set(stable.map(({ mac }) => mac)).size).toBe(4);
    expect(stable.every(({ mac, randomMac }) => mac !== undefined && !randomMac)).toBe(true);
  });
});

describe('a saved plan', () => {
  const plan = join(folder.path, 'plan.json');
  beforeAll(async () => {
    await sriovctl('plan', ...four, '--out', plan);
  });

  test('is applied to the host it was made for, and is fulfilled afterwards', async () => {
    const after = join(folder.path, 'after-apply');
    const applied = await sriovctl('apply', plan, '--simulate', demo, '--simulate-out', after);
    expect(applied).toMatchObject({ exitCode: 0 });
    expect(applied.stderr).toContain('sriov_numvfs: 0 → 4');
    const again = await sriovctl('apply', plan, '--simulate', after);
    expect(again).toMatchObject({ exitCode: 0 });
    expect(again.stderr).toContain('Nothing to do');
  });

  test('is refused on a host that has moved, which is told', async () => {
    const moved = join(folder.path, 'moved');
    execFileSync('cp', ['-a', join(root, demo), moved]);
    const two = ['--no-kube', '--only', 'driver,vfs', '--pf', 'enp1s0f0', '--vfs', '2'];
    const changed = join(folder.path, 'changed');
    await sriovctl('setup', '--simulate', moved, ...two, '--simulate-out', changed);
    const refused = await sriovctl('apply', plan, '--simulate', changed);
    expect(refused).toMatchObject({ exitCode: 4 });
    expect(refused.stderr).toMatch(/NEEDS_RECREATE|PLAN_STALE/);

    const address = join(moved, 'sys/class/net/enp1s0f0/address');
    writeFileSync(address, '02:00:00:00:00:01\n');
    const swapped = await sriovctl('apply', plan, '--simulate', moved);
    expect(swapped).toMatchObject({ exitCode: 4 });
    expect(swapped.stderr).toContain('PLAN_STALE');
    expect(swapped.stderr).toContain(
      'PF 0000:01:00.0: mac was a0:36:9f:8c:1d:44, is 02:00:00:00:00:01',
    );
  });

  test.each([
    ['no JSON', 'nonsense', 'PLAN_UNREADABLE'],
    ['of another version', '{"schema":"sriovctl/plan/v9"}', 'PLAN_INVALID'],
  ])('that is %s is refused with 2', async (_, text, code) => {
    const file = join(folder.path, 'bad-plan.json');
    writeFileSync(file, text);
    const { exitCode, stderr } = await sriovctl('apply', file, '--simulate', demo);
    expect({ exitCode, told: stderr.includes(code) }).toEqual({ exitCode: 2, told: true });
  });

  test('with a path for an address is refused before it is part of one', async () => {
    const evil = JSON.parse(readFileSync(plan, 'utf8')) as { spec: { pfs: { address: string }[] } };
    for (const pf of evil.spec.pfs) pf.address = '../../../etc';
    const file = join(folder.path, 'evil.json');
    writeFileSync(file, JSON.stringify(evil));
    const refused = await sriovctl('apply', file, '--simulate', demo);
    expect(refused).toMatchObject({ exitCode: 2 });
    expect(refused.stderr).toContain('no PCI address');
  });
});

describe('reviewed output', () => {
  const stable = (text: string): string =>
    text
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
      .replace(/sriovctl \d+\.\d+\.\d+/g, 'sriovctl <version>')
      .replaceAll(folder.path, '<folder>');

  test.each([
    ['list', ['list', '--simulate', set]],
    ['list --wide', ['list', '--simulate', set, '--wide']],
    ['list --tree', ['list', '--simulate', set, '--tree']],
    ['list as a graph', ['list', '--simulate', set, '-o', 'dot']],
    ['list for a Markdown page', ['list', '--simulate', set, '-o', 'mermaid']],
    ['list as a picture', ['list', '--simulate', set, '-o', 'svg']],
    ['show', ['show', 'enp1s0f0', '--simulate', set]],
    ['plan', ['plan', ...four]],
    ['plan as Markdown', ['plan', ...four, '-o', 'markdown']],
    ['plan of a teardown', ['plan', '--teardown', ...onSet, '--pf', 'enp1s0f0']],
    [
      'verify that passes',
      ['verify', '--simulate', set, '--no-kube', '--only', 'driver,lspci', '--pf', 'enp1s0f0=4'],
    ],
    ['verify that fails', ['verify', ...looked]],
    ['verify as JUnit', ['verify', ...looked, '-o', 'junit']],
    ['verify as TAP', ['verify', ...looked, '-o', 'tap']],
    ['verify as annotations', ['verify', ...looked, '-o', 'github']],
    ['verify as Markdown', ['verify', ...looked, '-o', 'markdown']],
    ['setup', ['setup', ...four]],
    ['setup, quietly', ['setup', ...four, '-q']],
    ['setup, verbosely', ['setup', ...four, '-v']],
    ['a refusal', ['setup', ...onDemo, '--only', 'driver,vfs', '--pf', 'enp1s0f0=8']],
  ])('%s', async (_, args) => {
    const { exitCode, stdout, stderr } = await sriovctl(...args);
    expect(
      stable(`exit code ${exitCode}\n--- stdout\n${stdout}\n--- stderr\n${stderr}`),
    ).toMatchSnapshot();
  });

  test('SARIF fits its schema and names a rule for each result', async () => {
    const { stdout } = await sriovctl('verify', ...four, '-o', 'sarif');
    const log = JSON.parse(stdout) as Log;
    const validate = new Ajv({ schemaId: 'id' }).addMetaSchema(draft04).compile(sarifSchema);
    validate(log);
    expect(validate.errors ?? []).toEqual([]);
    const [run] = log.runs;
    expect(run?.results.map(({ ruleId }) => ruleId)).toContain('vf-count');
    for (const { ruleId, ruleIndex } of run?.results ?? []) {
      expect(run?.tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
    }
  });

  test('JUnit is read by a parser of others, with its counts', async () => {
    const { stdout } = await sriovctl('verify', ...four, '-o', 'junit');
    const report = await junit2json(stdout);
    if (report == null || !('testsuite' in report)) throw new Error('these are no test suites');
    const cases = report.testsuite.flatMap(({ testcase = [] }) => testcase);
    expect(cases.length).toBe(report.tests);
    const failed = cases.filter(({ failure = [] }) => failure.length > 0);
    expect(failed.length).toBe(report.failures);
    expect(failed.flatMap(({ failure }) => failure?.[0]?.type)).toContain('vf-count');
  });

  test('--debug tells each command with its time', async () => {
    const { stderr } = await sriovctl('setup', ...four, '--debug');
    expect(stderr).toMatch(/debug: .*sriov_numvfs.* \(\d+ ms\): done/);
  });

  test('--out writes the result to a file, whole and without colour', async () => {
    const file = join(folder.path, 'out.txt');
    const { stdout } = await sriovctlWith(
      { env: { FORCE_COLOR: '1' } },
      ...['list', '--simulate', demo, '--out', file],
    );
    expect(stdout).toBe('');
    expect(readFileSync(file, 'utf8')).toMatch(/^enp1s0f0 {2}0000:01:00\.0/);
    const nowhere = await sriovctl('list', '--simulate', demo, '--out', '/no/such/folder/out');
    expect(nowhere).toMatchObject({ exitCode: 2 });
    expect(nowhere.stderr).toContain('OUT_UNWRITABLE');
  });
});

describe('a terminal', () => {
  const escape = String.fromCharCode(27);
  /** Runs the program on a terminal of its own, which script(1) makes. */
  const onTerminal = (args: readonly string[], env: Record<string, string> = {}, columns = 80) =>
    execFileSync(
      'script',
      [
        '-qec',
        `stty cols ${columns}; exec ${[process.execPath, 'dist/sriovctl.mjs', ...args].join(' ')}`,
        '/dev/null',
      ],
      {
        cwd: root,
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], TERM: 'xterm-256color', LANG: 'C.UTF-8', ...env },
      },
    );

  test('gets colour, unless NO_COLOR asks for none or it is dumb', () => {
    const list = ['list', '--simulate', demo];
    expect(onTerminal(list)).toContain(`${escape}[1m`);
    expect(onTerminal(list, { NO_COLOR: '1' })).not.toContain(escape);
    expect(onTerminal(list, { TERM: 'dumb' })).not.toContain(escape);
    expect(onTerminal(list, { NO_COLOR: '1', FORCE_COLOR: '1' })).toContain(escape);
  });

  test('without UTF-8 gets ASCII alone', () => {
    for (const env of [{ TERM: 'dumb' }, { LANG: 'C' }, { LANG: 'en_US.UTF-8', LC_ALL: 'POSIX' }]) {
      const text = onTerminal(['setup', ...four], env);
      expect(text).toContain('sriov_numvfs: 0 -> 4');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: everything that is ASCII.
      expect(text).toMatch(/^[\x00-\x7f]*$/);
    }
  });

  test('of 80 columns gets prose of 80 columns', () => {
    const text = onTerminal(
      ['setup', ...onDemo, '--pf', 'enp1s0f0=4', '--dry-run', '--only', 'vfs,driver'],
      { NO_COLOR: '1' },
    );
    const long = text.split(/\r?\n/).filter((line) => line.length > 80 && !/^ {4}/.test(line));
    expect(long).toEqual([]);
  });

  test('sees what goes on, and a pipe only what has happened', async () => {
    expect(onTerminal(['setup', ...four])).toContain(`${escape}[?25l`);
    const withoutColumns = onTerminal(['setup', ...four], { NO_COLOR: '1' }, 0);
    expect(withoutColumns).toContain('sriov_numvfs: 0 → 4');
    expect(withoutColumns).not.toContain(`${escape}[?25l`);
    expect((await sriovctl('setup', ...four)).stderr).not.toContain(escape);
  });
});

test('FORCE_COLOR colours a pipe, and NO_COLOR alone does not', async () => {
  const escape = String.fromCharCode(27);
  const coloured = await sriovctlWith({ env: { FORCE_COLOR: '1' } }, 'list', '--simulate', demo);
  expect(coloured.stdout).toContain(escape);
  const plain = await sriovctlWith({ env: { NO_COLOR: '1' } }, 'list', '--simulate', demo);
  expect(plain.stdout).not.toContain(escape);
});

test('list --watch appends what has changed, and ends with Ctrl-C', async () => {
  const tree = join(folder.path, 'watched');
  execFileSync('cp', ['-a', join(root, demo), tree]);
  const child = spawn(
    process.execPath,
    ['dist/sriovctl.mjs', 'list', '--simulate', tree, '--watch'],
    { cwd: root },
  );
  let stdout = '';
  const seen = (words: string): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (stdout.includes(words)) resolve();
      };
      look();
      child.stdout.on('data', look);
    });
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString();
  });
  await seen('a0:36:9f:8c:1d:45');
  writeFileSync(join(tree, 'sys/class/net/enp1s0f0/address'), '02:00:00:00:00:01\n');
  await seen('02:00:00:00:00:01');
  child.kill('SIGINT');
  expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(0);
});

test('Ctrl-C in the middle of a run takes back what it did, and says how to go on', async () => {
  const child = spawn(
    process.execPath,
    ['dist/sriovctl.mjs', 'setup', ...onDemo, '--pf', 'enp1s0f0=7', '-o', 'json'],
    { cwd: root },
  );
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => {
    if (!stderr.includes('$ modprobe')) child.kill('SIGINT');
    stderr += data.toString();
  });
  expect(await new Promise((resolve) => child.on('close', resolve))).toBe(130);
  expect(stderr).toContain('Interrupted: the change under way is awaited');
  expect(JSON.parse(stdout)).toMatchObject({ outcome: 'interrupted', pfs: [{ vfs: [] }] });
});

test('a reader that goes away is no error', async () => {
  const child = spawn(
    process.execPath,
    ['dist/sriovctl.mjs', 'plan', ...onDemo, '--pf', 'enp1s0f0=7'],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  child.stdout.destroy();
  const code = await new Promise((resolve) => child.on('exit', resolve));
  expect(code).toBe(0);
  expect(stderr).not.toMatch(/EPIPE|^ +at /m);
});
