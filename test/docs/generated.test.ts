import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { explanations, families } from '../../src/cli/explanations.ts';
import { type GeneratedDocs, generatedDocs } from '../../src/cli/generated.ts';
import { installed } from '../cli/shells.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

let docs: GeneratedDocs;
beforeAll(async () => {
  docs = await generatedDocs();
});

const remedy = 'node scripts/make-docs.mjs writes it anew';

describe('what is generated from the code', () => {
  test('docs/reference.md is up to date', () => {
    expect(read('docs/reference.md'), remedy).toBe(docs.reference);
  });

  test('the tables of README.md are up to date', () => {
    const readme = read('README.md');
    expect(readme, remedy).toContain(`${docs.stages}\n<!-- stages -->`);
    expect(readme, remedy).toContain(`${docs.exitCodes}\n<!-- exit-codes -->`);
  });

  test('the run in README.md, and the picture of the host after it, are those of the program', () => {
    expect(read('README.md'), remedy).toContain(`${docs.run}\n<!-- run -->`);
    expect(read('docs/topology.svg'), remedy).toBe(docs.topology);
    expect(docs.run).toContain('Done: ');
  });

  test.skipIf(!installed('man'))('the man pages have no warnings', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sriovctl-man-'));
    try {
      for (const { name, text } of docs.man) {
        const file = join(folder, name);
        writeFileSync(file, text);
        const warnings = execFileSync(
          'sh',
          ['-c', 'man --warnings -l "$1" 2>&1 >/dev/null', 'sh', file],
          {
            encoding: 'utf8',
            env: { PATH: process.env['PATH'], MANWIDTH: '80', LC_ALL: 'C.UTF-8' },
          },
        );
        expect(warnings, name).toBe('');
        expect(text).toContain('.SH NAME');
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('error codes', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => read(join('src', file)));
  const used = new Set(
    sources.flatMap((source) =>
      [
        ...source.matchAll(
          /(?:SriovctlError\(\s*|\bcode[:=] ?\s*)'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)'/g,
        ),
      ].map(([, code]) => code ?? ''),
    ),
  );

  test('every code that the source uses is explained', () => {
    expect(used.size).toBeGreaterThan(40);
    expect([...used].filter((code) => !(code in explanations))).toEqual([]);
  });

  test('every code that is made with an ending belongs to a family, or is explained', () => {
    const made = sources.flatMap((source) =>
      [...source.matchAll(/code: `([A-Z]+_)\$\{/g)].map(([, prefix]) => prefix ?? ''),
    );
    const known = [...Object.keys(families), ...Object.keys(explanations)];
    for (const prefix of made)
      expect(
        known.some((code) => code.startsWith(prefix)),
        prefix,
      ).toBe(true);
  });

  test('every explanation is of a code that is used', () => {
    const all = sources.join('\n');
    const unused = Object.keys(explanations).filter(
      (code) =>
        !code.startsWith('NEEDS_') &&
        !all.replace(/^ {2}[A-Z_'-]+: \{$/gm, '').includes(`'${code}'`),
    );
    expect(unused).toEqual([]);
  });

  test('explanations are sentences', () => {
    for (const { means, remedy: hint } of Object.values({ ...explanations, ...families })) {
      expect(means).toMatch(/^.+\.$/);
      expect(hint).toMatch(/^.+\.$/);
    }
  });
});
