import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Command, Option } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { everyCommand } from '../../src/cli/command-tree.ts';
import { makeProgram } from '../../src/cli/program.ts';
import { onDemo, root, sriovctl, sriovctlWith, temporaryFolder } from './built.ts';
import { type Exercise, exercises } from './exercises.ts';

const folder = temporaryFolder();
afterAll(folder.remove);

const inFolder = (text: string): string => text.replaceAll('$TMP', folder.path);
const nodes = `nodes:
  - match: {labels: {role: net}}
    spec: {pfs: [{pf: enp1s0f0, vfs: 1}]}
`;

beforeAll(async () => {
  writeFileSync(join(folder.path, 'nodes.yaml'), nodes);
  const two = [...onDemo, '--only', 'driver,vfs', '--pf', 'enp1s0f0=2'];
  await sriovctl('plan', ...two, '--out', join(folder.path, 'plan.json'));
  await sriovctl('setup', ...two, '--simulate-out', join(folder.path, 'set'));
});

const silent = { write: () => true } as unknown as NodeJS.WriteStream;

const unexercised = (path: string): never => {
  throw new Error(`no exercise of ${path}`);
};

/** The first of a command is run on a terminal, the others on pipes. */
const onTerminal = (exercise: Exercise): boolean =>
  exercises.find(({ command }) => command === exercise.command) === exercise;

const wordsOf = ({ command, args }: Exercise): readonly string[] => [
  ...command.split(' '),
  ...args.map(inFolder),
];

describe('each command does what its flags say', () => {
  const piped = exercises.filter((exercise) => !onTerminal(exercise));
  test.each(piped)('sriovctl $command $args', async (exercise) => {
    const env = exercise.command === 'confirm' ? { PATH: '/nonexistent' } : {};
    const { exitCode, stdout, stderr } = await sriovctlWith({ env }, ...wordsOf(exercise));
    const said = `${stdout}\n${stderr}`;
    expect(exitCode, said).toBe(exercise.exitCode);
    for (const words of exercise.says) expect(said).toContain(inFolder(words));
    expect(said).not.toMatch(/^ +at .*:\d+/m);
    if (exercise.args.includes('json')) JSON.parse(stdout === '' ? '{}' : stdout);
  });

  test.each(exercises.filter(onTerminal))('on a terminal: sriovctl $command $args', (exercise) => {
    const program = [process.execPath, 'dist/sriovctl.mjs', ...wordsOf(exercise)];
    const path = exercise.command === 'confirm' ? 'PATH=/nonexistent ' : '';
    const { status, stdout } = spawnSync(
      'script',
      ['-qec', `stty cols 80; ${path}exec ${program.join(' ')}`, '/dev/null'],
      {
        cwd: root,
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], TERM: 'xterm-256color', LANG: 'C.UTF-8' },
      },
    );
    const said = stripVTControlCharacters(stdout).replaceAll('\r', '');
    expect(status, said).toBe(exercise.exitCode);
    const flowing = said.replace(/\s+/g, ' ');
    for (const words of exercise.says) expect(flowing).toContain(inFolder(words));
  });
});

const flagsOf = (command: Command): readonly Option[] =>
  command.createHelp().visibleOptions(command);

const uses = (args: readonly string[], { long, short }: Option): boolean =>
  args.some((arg) => arg === short || arg === long || arg.startsWith(`${long ?? ''}=`));

describe('each result', async () => {
  const program = await makeProgram({ stdout: silent, stderr: silent, exitCode: 0 });
  const withResult = everyCommand(program)
    .filter(({ command }) => command.options.some(({ long }) => long === '--json'))
    .map(({ path }) => path);
  const firstOf = (path: string): Exercise =>
    exercises.find(
      ({ command, args }) => command === path && !args.includes('-o') && !args.includes('--json'),
    ) ?? unexercised(path);
  const run = (path: string, ...more: readonly string[]) => {
    const env = path === 'confirm' ? { PATH: '/nonexistent' } : {};
    // A tree is kept once; it is not what this is about.
    const words = wordsOf(firstOf(path)).filter(
      (word, index, all) => ![word, all[index - 1]].includes('--simulate-out'),
    );
    return sriovctlWith({ env }, ...words, ...more);
  };

  test.each(withResult)('of %s is one document with --json', async (path) => {
    const { exitCode, stdout } = await run(path, '--json');
    expect(exitCode).toBe(firstOf(path).exitCode);
    expect(JSON.parse(stdout)).toEqual(expect.any(Object));
  });

  // The plan itself is what `plan --out` writes; the flag of `init` is exercised above.
  test.each(withResult.filter((path) => !['plan', 'init'].includes(path)))(
    'of %s goes to the file of --out, and nothing else to stdout',
    async (path) => {
      const file = join(folder.path, `${path.replace(' ', '-')}.json`);
      const { exitCode, stdout } = await run(path, '--json', '--out', file);
      expect(exitCode).toBe(firstOf(path).exitCode);
      const result = stdout === '' ? readFileSync(file, 'utf8') : stdout;
      const { outcome } = JSON.parse(result) as { readonly outcome?: string };
      // What could not begin has no result but the error.
      expect(stdout === '' || outcome === 'error', stdout).toBe(true);
    },
  );

  test.each(withResult)('of %s is the same quietly and with all that went on', async (path) => {
    const { exitCode } = firstOf(path);
    const quiet = await run(path, '-q');
    expect(quiet.exitCode).toBe(exitCode);
    if (exitCode === 0) expect(quiet.stderr).toBe('');
    expect(await run(path, '-v', '--debug')).toMatchObject({ exitCode });
  });
});

describe('the exercises leave nothing out', async () => {
  const program = await makeProgram({ stdout: silent, stderr: silent, exitCode: 0 });
  const commands = everyCommand(program);
  const of = (path: string): readonly Exercise[] =>
    exercises.filter(({ command }) => command === path);

  test.each(commands)('of the command $path', ({ path }) => {
    expect(of(path).length).toBeGreaterThan(0);
  });

  test('of the flags; one with the same words is the same wherever it stands', () => {
    const used = new Set<string>();
    const all = new Map<string, string>();
    for (const { path, command } of commands) {
      for (const option of flagsOf(command)) {
        if (option.long === '--help') continue;
        const key = `${option.flags}: ${option.description}`;
        all.set(key, `${path} ${option.flags}`);
        if (of(path).some(({ args }) => uses(args, option))) used.add(key);
      }
    }
    expect([...all].filter(([key]) => !used.has(key)).map(([, flag]) => flag)).toEqual([]);
  });

  test('of the formats of each command', () => {
    const missing = commands.flatMap(({ path, command }) =>
      flagsOf(command)
        .filter(({ long }) => long === '--output')
        .flatMap(({ argChoices = [] }) => argChoices)
        // YAML is the document of JSON, by the same code for all commands.
        .filter(
          (format) =>
            !['text', 'yaml'].includes(format) &&
            !of(path).some(({ args }) => args.join(' ').includes(`-o ${format}`)),
        )
        .map((format) => `${path} -o ${format}`),
    );
    expect(missing).toEqual([]);
  });

  test('of the help, which has examples', () => {
    for (const { path, command } of commands) {
      let text = '';
      command.configureOutput({ writeOut: (part) => (text += part) });
      command.outputHelp();
      expect(text, path).toMatch(/Examples:\n {2}sriovctl /);
      expect(command.description(), path).toMatch(/^[A-Z].*\.$/s);
    }
    const shown = execFileSync(process.execPath, ['dist/sriovctl.mjs', 'kube', 'diff', '--help'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(shown).toContain('PFs and their VFs:');
  });
});
