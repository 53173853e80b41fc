import type { StepReport } from '../events.ts';

/** What `verify` looked at: each stage's plan counts as one, and so does each of its checks. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const tallyOf = (steps: readonly StepReport[]): Tally => {
  const results = steps.flatMap((report): readonly (keyof Tally)[] =>
    report.status === 'skipped'
      ? ['skipped']
      : [
          report.changes.length === 0 ? 'passed' : 'failed',
          ...report.checks.map(({ result }): keyof Tally => {
            if (result.status === 'pass') return 'passed';
            return result.status === 'skip' ? 'skipped' : 'failed';
          }),
        ],
  );
  const count = (kind: keyof Tally): number => results.filter((result) => result === kind).length;
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
};
