import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { demo, root, sriovctl, temporaryFolder } from './built.ts';
import { installed } from './shells.ts';

const folder = temporaryFolder();
afterAll(folder.remove);

describe('help', () => {
  test('lists every command, and proposes the one that was meant', async () => {
    const { stdout } = await sriovctl('--help');
    for (const name of Object.keys(commands))
      expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect((await sriovctl('verfy')).stderr).toContain('Did you mean verify?');
    expect((await sriovctl('setup', '--dryrun')).stderr).toContain('Did you mean --dry-run?');
  });

  test('explain proposes what was meant', async () => {
    const wrong = await sriovctl('explain', 'NO_MIMO_SPACE');
    expect(wrong).toMatchObject({ exitCode: 2 });
    expect(wrong.stderr).toContain('Did you mean NO_MMIO_SPACE?');
  });
});

describe('completion', () => {
  const bin = join(folder.path, 'bin');
  const env = {
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    HOME: folder.path,
    TERM: 'dumb',
    LC_ALL: 'C.UTF-8',
  };
  beforeAll(() => {
    mkdirSync(bin);
    const program = join(bin, 'sriovctl');
    writeFileSync(
      program,
      `#!/bin/sh\nexec ${process.execPath} ${join(root, 'dist/sriovctl.mjs')} "$@"\n`,
    );
    chmodSync(program, 0o755);
  });

  const cases: readonly (readonly [line: string, words: readonly string[]])[] = [
    ['sriovctl ver', ['verify']],
    ['sriovctl setup --only l', ['lspci']],
    ['sriovctl setup --only driver,lsp', ['driver,lspci']],
    [`sriovctl setup --simulate ${demo} --pf en`, ['enp1s0f0', 'enp1s0f1']],
    [
      `sriovctl setup --simulate ${demo} --pf 0000:01:00.0 --vfs `,
      ['1', '2', '3', '4', '5', '6', '7'],
    ],
    ['sriovctl verify -o sa', ['sarif']],
    ['sriovctl explain NO_MM', ['NO_MMIO_SPACE']],
    ['sriovctl setup --dry', ['--dry-run']],
    ['sriovctl schema pl', ['plan']],
  ];

  test.each(cases)('of %j', async (line, expected) => {
    const words = line.split(' ').slice(1);
    const { stdout } = await sriovctl('completion', 'words', '--', ...words);
    expect(stdout.split('\n').map((candidate) => candidate.split('\t')[0])).toEqual(expected);
  });

  const inBash = (line: string): readonly string[] =>
    execFileSync(
      'bash',
      [
        '--norc',
        '-c',
        'compopt() { :; }; source <(sriovctl completion bash); COMP_LINE=$1 COMP_POINT=${#1}; _sriovctl; printf "%s\\n" "${COMPREPLY[@]}"',
        'bash',
        line,
      ],
      { cwd: root, env, encoding: 'utf8' },
    )
      .trim()
      .split('\n');

  test('in bash, addresses with their colons too', () => {
    for (const [line, words] of cases.slice(0, 4)) expect(inBash(line)).toEqual(words);
    // bash itself has the part before the last colon on the line already.
    expect(inBash(`sriovctl setup --simulate ${demo} --pf 0000:01:00`)).toEqual(['00.0', '00.1']);
  });

  test.skipIf(!installed('fish'))('in fish', () => {
    const inFish = (line: string): readonly string[] =>
      execFileSync(
        'fish',
        [
          '--no-config',
          '-c',
          `sriovctl completion fish | source; complete --do-complete ${JSON.stringify(line)}`,
        ],
        { cwd: root, env, encoding: 'utf8' },
      )
        .trim()
        .split('\n')
        .map((candidate) => candidate.split('\t')[0] ?? '');
    for (const [line, words] of cases.slice(0, 4)) expect(inFish(line)).toEqual(words);
    expect(inFish(`sriovctl setup --simulate ${demo} --pf 0000:01:00.`)).toEqual([
      '0000:01:00.0',
      '0000:01:00.1',
    ]);
  });

  test.skipIf(!installed('zsh'))('in zsh', () => {
    const inZsh = (line: string, awaited: string): string =>
      execFileSync(
        'zsh',
        [
          '-fc',
          `zmodload zsh/zpty
zpty -b z zsh -fi
zpty -w z "PS1=; autoload -Uz compinit; compinit -D -u; source <(sriovctl completion zsh); print READ''Y"
out= ; while zpty -r z chunk; do out+=$chunk; [[ $out == *READY* ]] && break; done
zpty -w -n z "$1"$'\\t'$'\\t'
out= ; for try in {1..200}; do sleep 0.1; while zpty -r -t z chunk; do out+=$chunk; done; [[ $out == *$2* ]] && break; done
print -r -- "$out"
zpty -d z`,
          'zsh',
          line,
          awaited,
        ],
        { cwd: root, env, encoding: 'utf8', timeout: 25_000 },
      );
    expect(inZsh('sriovctl ver', 'ify')).toContain('ify');
    expect(inZsh(`sriovctl setup --simulate ${demo} --pf 0000:01:00.`, '01:00.1')).toContain(
      '0000:01:00.1',
    );
  });
});
