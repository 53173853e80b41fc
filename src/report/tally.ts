import type { StepReport } from '../events.ts';
import { type Finding, findingsOf } from './findings.ts';

/** What `verify` looked at: each stage's plan counts as one, and so does each of its checks. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const tallyOf = (steps: readonly StepReport[]): Tally => {
  const findings = findingsOf(steps);
  const count = (wanted: Finding['result']): number =>
    findings.filter(({ result }) => result === wanted).length;
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
};
