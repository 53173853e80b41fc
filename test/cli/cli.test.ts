import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const demo = 'fixtures/i350-t2';
const vfs = ['0000:02:10.0', '0000:02:10.4', '0000:02:11.0', '0000:02:11.4'];

/** The built program as a child process, as a user starts it. */
const sriovctl = (...args: readonly string[]) =>
  execa(process.execPath, ['dist/sriovctl.mjs', ...args], { cwd: root, reject: false });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sriovctl-cli-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('on the demo host', () => {
  const wanted = ['--simulate', demo, '--pf', 'enp1s0f0', '--vfs', '4', '--no-kube'] as const;

  test('setup shows the VFs at the four addresses', async () => {
    const { exitCode, stdout, stderr } = await sriovctl('setup', ...wanted);
    expect(exitCode).toBe(0);
    for (const address of vfs) expect(stdout).toContain(address);
    expect(stdout).toContain('enp1s0f0v3');
    expect(stderr).toContain('sriov_numvfs: 0 → 4');
  });

  test('verify fails before, and passes on the tree that setup kept', async () => {
    const before = await sriovctl('verify', ...wanted);
    expect(before.exitCode).toBe(1);
    expect(before.stdout).toContain('enp1s0f0 has 0 VFs');

    const kept = join(folder, 'kept');
    expect(await sriovctl('setup', ...wanted, '--simulate-out', kept)).toMatchObject({
      exitCode: 0,
    });
    const after = await sriovctl(
      'verify',
      '--simulate',
      kept,
      '--pf',
      'enp1s0f0',
      '--vfs',
      '4',
      '--no-kube',
    );
    expect(after).toMatchObject({ exitCode: 0 });
    const again = await sriovctl(
      'setup',
      '--simulate',
      kept,
      '--pf',
      'enp1s0f0',
      '--vfs',
      '4',
      '--no-kube',
    );
    expect(again).toMatchObject({ exitCode: 0 });
    expect(again.stderr).toContain('Nothing to do');
  });

  test('a simulated run leaves the tree as it was', async () => {
    const copy = join(folder, 'copy');
    cpSync(join(root, demo), copy, { recursive: true, verbatimSymlinks: true });
    const files = async () => (await execa('find', [copy, '-printf', '%p %s %T@ %l\n'])).stdout;
    const before = await files();
    await sriovctl('setup', '--simulate', copy, '--pf', 'enp1s0f0', '--vfs', '4');
    expect(await files()).toBe(before);
  });

  test('--reboot of a captured tree restarts nothing, and the names of PFs are warned of', async () => {
    const { exitCode, stderr } = await sriovctl(
      ...['setup', ...wanted, '--kernel-arg', 'pci=assign-busses', '--reboot'],
    );
    expect(exitCode).toBe(3);
    expect(stderr).toContain('This disrupts: pci=assign-busses: all bus numbers');
    expect(stderr).toContain(
      'Name it by its MAC address then (--pf a0:36:9f:8c:1d:44 is enp1s0f0)',
    );
    expect(stderr).toContain('This host would be restarted now');
  });

  test('list tells PFs and VFs, as text and as JSON', async () => {
    const text = await sriovctl('list', '--simulate', demo);
    expect(text.stdout).toContain('0 of 7 VFs');
    expect(text.stdout).toContain('I350');
    const { stdout } = await sriovctl('list', '--simulate', demo, '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 'sriovctl/v1',
      pfs: [
        { netdev: 'enp1s0f0', address: '0000:01:00.0', driver: 'igb', sriov: { totalVfs: 7 } },
        { netdev: 'enp1s0f1', address: '0000:01:00.1' },
      ],
    });
  });

  test('--json puts the result alone on stdout', async () => {
    const { stdout } = await sriovctl('setup', ...wanted, '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      command: 'setup',
      outcome: 'applied',
      exitCode: 0,
      pfs: [{ vfs: vfs.map((address) => ({ address, driver: 'igbvf' })) }],
    });
  });

  test.each([
    { words: ['--pf', 'enp9s9', '--vfs', '4'], exitCode: 4, says: 'enp1s0f0 (0000:01:00.0' },
    { words: ['--pf', 'enp5s0', '--vfs', '4'], exitCode: 4, says: 'cannot do SR-IOV' },
    { words: ['--pf', 'enp1s0f0', '--vfs', '8'], exitCode: 4, says: 'at most 7' },
    { words: ['--pf', 'enp1s0f0', '--vfs', '-1'], exitCode: 2, says: 'whole number' },
    { words: ['--pf', 'enp1s0f0', '--vfs', 'x'], exitCode: 2, says: 'whole number' },
    { words: ['--pf', 'enp1s0f0'], exitCode: 2, says: 'VFS_MISSING' },
    { words: ['--vfs', '4'], exitCode: 2, says: 'after a --pf' },
    {
      words: ['--pf', 'enp1s0f0', '--vfs', '4', '--driver-source', '/opt/igb'],
      exitCode: 4,
      says: 'there is no /opt/igb',
    },
    { words: [], exitCode: 2, says: 'no PF is named' },
    { words: ['--pf', '../../etc', '--vfs', '4'], exitCode: 2, says: '../../etc' },
    { words: ['--pf', 'enp1s0f0=4', '--pf', '01:00.0=4'], exitCode: 2, says: 'same PF' },
    { words: ['--pf', 'enp1s0f0=4', '--only', 'nothing'], exitCode: 2, says: 'no stage nothing' },
  ])('refuses $words with exit code $exitCode', async ({ words, exitCode, says }) => {
    const refused = await sriovctl('setup', '--simulate', demo, '--no-kube', ...words);
    expect(refused).toMatchObject({ exitCode });
    expect(refused.stderr).toContain(says);
    expect(refused.stderr).not.toContain('    at ');
  });

  test('several PFs, by name and by address', async () => {
    const { stdout, exitCode } = await sriovctl(
      ...['setup', '--simulate', demo, '--no-kube', '--json'],
      ...['--pf', 'enp1s0f0', '--vfs', '2', '--pf', '0000:01:00.1', '--vfs', '1'],
    );
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ pfs: [{ vfs: [{}, {}] }, { vfs: [{}] }] });
  });
});

describe('PFs that are set up one by one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sriovctl-one-by-one-'));
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  let at = demo;
  /** Goes on from where the run before it ended. */
  const then = async (name: string, ...args: readonly string[]) => {
    const after = join(folder, name);
    const answer = await sriovctl(...args, '--simulate', at, '--simulate-out', after);
    expect(answer.exitCode, answer.stderr).toBe(0);
    at = after;
    return answer;
  };
  const offers = async (...pfs: readonly string[]) => {
    const named = pfs.flatMap((pf) => ['--pf', pf]);
    const answer = await sriovctl('verify', '--simulate', at, ...named);
    return { exitCode: answer.exitCode, offers: /offers (.*)/.exec(answer.stdout)?.[1] };
  };
  const both = 'sriovctl.io/sriov_enp1s0f0: 2, sriovctl.io/sriov_enp1s0f1: 3';

  test('offer the VFs of both to pods, in whatever order', async () => {
    await then('first', 'setup', '--pf', 'enp1s0f0=2');
    await then('second', 'setup', '--pf', 'enp1s0f1=3');
    expect(await offers('enp1s0f0=2')).toEqual({
      exitCode: 0,
      offers: 'sriovctl.io/sriov_enp1s0f0: 2',
    });
    expect(await offers('enp1s0f1=3', 'enp1s0f0=2')).toEqual({ exitCode: 0, offers: both });
    const again = await sriovctl('setup', '--simulate', at, '--pf', 'enp1s0f0=2');
    expect(again.stderr).toContain('Nothing to do');
  });

  test('are left alone where the VFs of the other have gone meanwhile', async () => {
    const before = at;
    await then('bare', 'teardown', '--pf', 'enp1s0f1', '--only', 'vfs');
    await then('restarted', 'setup', '--pf', 'enp1s0f0=2');
    const again = await sriovctl('setup', '--simulate', at, '--pf', 'enp1s0f0=2');
    expect(again.stderr).toContain('Nothing to do');
    at = before;
  });

  test('a teardown of one leaves the other its VFs, its pool, and what brings them into pods', async () => {
    const { stderr } = await then('without', 'teardown', '--pf', 'enp1s0f1');
    expect(stderr).toContain('delete NetworkAttachmentDefinition default/sriov-enp1s0f1');
    expect(stderr).not.toMatch(/delete DaemonSet|sriov-enp1s0f0/);
    expect(await offers('enp1s0f0=2')).toEqual({
      exitCode: 0,
      offers: 'sriovctl.io/sriov_enp1s0f0: 2',
    });
  });

  test('a teardown that names none takes out what is left, VFs included', async () => {
    const { stderr } = await then('none', 'teardown');
    expect(stderr).toContain('sriov_numvfs: 2 → 0');
    expect(stderr).toContain('delete DaemonSet kube-system/kube-multus-ds');
    expect((await sriovctl('teardown', '--simulate', at)).stderr).toContain('Nothing to do');
  });
});

test('--version and --help answer', async () => {
  expect((await sriovctl('--version')).stdout).toMatch(/^\d+\.\d+\.\d+$/);
  expect((await sriovctl('--help')).stdout).toContain('Exit codes:');
  expect(await sriovctl('setpu')).toMatchObject({ exitCode: 2 });
  expect((await sriovctl('setpu')).stderr).toContain('Did you mean setup?');
});
