import { describe, expect, test } from 'vitest';
import { specProblemText } from '../../src/report/spec-problem-text.ts';
import { parseSpecFile, SpecFileError } from '../../src/spec/config-file.ts';
import { malformed, variants } from './malformed.ts';

const all = malformed.flatMap(variants);

const errorOf = (text: string): SpecFileError => {
  try {
    parseSpecFile('node.yaml', new TextEncoder().encode(text));
  } catch (error) {
    if (error instanceof SpecFileError) return error;
    throw error;
  }
  throw new Error('the spec was taken');
};

test('there are at least 200 malformed files with at least 40 causes', () => {
  expect(all.length).toBeGreaterThanOrEqual(200);
  expect(new Set(malformed.map(({ cause }) => cause)).size).toBeGreaterThanOrEqual(40);
});

describe('a malformed spec is an error with file, line, column and remedy', () => {
  test.each(all)('$cause: $text', ({ text: marked, says }) => {
    const at = marked.indexOf('«');
    const before = marked.slice(0, at).split('\n');
    const text = marked.replace('«', '');
    const error = errorOf(text);

    const shown = specProblemText(error);
    const line = before.length;
    const column = (before.at(-1)?.length ?? 0) + 1;
    expect(error.problems.map((problem) => `${problem.line}:${problem.column}`)).toContain(
      `${line}:${column}`,
    );
    expect(shown).toContain(`node.yaml:${line}:${column}: `);
    expect(shown).toContain(says);
    expect(shown).not.toMatch(/^ +at |undefined|\[object/m);
    for (const { problem, remedy } of error.problems) {
      expect(problem).not.toBe('');
      expect(remedy).toMatch(/[.?]$/);
    }
    expect(error).toMatchObject({ code: 'SPEC_INVALID', exit: 'usage' });
  });
});
