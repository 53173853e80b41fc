import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { root, sriovctl } from '../cli/built.ts';

const folder = mkdtempSync(join(tmpdir(), 'sriovctl-docs-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Example {
  readonly command: string;
  readonly exitCode: number;
  /** Each is part of a line of the output, in this order. */
  readonly shows: readonly string[];
}

/** The commands of a page that name a captured tree or no host at all, with the output shown below them. */
const examplesOf = (markdown: string): readonly Example[] =>
  [...markdown.matchAll(/^```console\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((example) => {
        const [line = '', ...shows] = example.trimEnd().split('\n');
        const [command = '', exitCode = '0'] = line.split(' # ends with ');
        return { command, exitCode: Number(exitCode), shows };
      }),
  );

const pages = readdirSync(join(root, 'docs')).filter((page) =>
  ['tutorial.md', 'recovery.md'].includes(page),
);

describe.each(pages)('docs/%s', (page) => {
  const examples = examplesOf(readFileSync(join(root, 'docs', page), 'utf8'));

  test('has examples', () => {
    expect(examples.length).toBeGreaterThan(0);
  });

  test.each(examples)('$command', async ({ command, exitCode, shows }) => {
    expect(command).toMatch(/^sriovctl (explain |.*(fixtures\/|\$TMP\/))/);
    const [, ...args] = command.replaceAll('$TMP', folder).split(' ');
    const answer = await sriovctl(...args);
    const output = `${answer.stdout}\n${answer.stderr}`;
    expect(answer.exitCode, output).toBe(exitCode);
    let at = 0;
    for (const line of shows) {
      const found = output.indexOf(line, at);
      expect(found, `${line}\nis not in, or not in this order:\n${output}`).toBeGreaterThanOrEqual(
        0,
      );
      at = found + line.length;
    }
  });
});
