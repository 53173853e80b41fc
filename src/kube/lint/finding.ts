import type { CheckResult } from '../../check.ts';

/** Something that the components take without a word, and that does not do what was meant. */
export interface Finding {
  readonly problem: string;
  readonly hint: string;
}

export const finding = (problem: string, hint: string): Finding => ({ problem, hint });

/** Findings as a check's result; all are told at once. */
export const findingsResult = (findings: readonly Finding[]): CheckResult =>
  findings.length === 0
    ? { status: 'pass' }
    : {
        status: 'fail',
        problem: findings.map(({ problem }) => problem).join('; '),
        hint: [...new Set(findings.map(({ hint }) => hint))].join(' '),
      };
