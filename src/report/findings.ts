import { stripVTControlCharacters } from 'node:util';
import type { CheckReport, Problem, StepReport } from '../events.ts';
import { changeSummary } from './change-text.ts';

/** One thing that `verify` looked at: the plan of a stage, one of its checks, or why it could not. */
export interface Finding {
  readonly stage: string;
  readonly stageTitle: string;
  /** Stable, to look it up and to follow it from run to run. */
  readonly id: string;
  readonly title: string;
  readonly result: 'passed' | 'failed' | 'skipped';
  readonly severity: 'error' | 'warning';
  /** What is, or why it was skipped; empty where there is nothing to say. */
  readonly problem: string;
  readonly hint: string;
}

/** Everything `verify` looked at, in order: what the formats for CI systems are made from. */
export const findingsOf = (steps: readonly StepReport[]): readonly Finding[] =>
  steps.flatMap((report): readonly Finding[] => {
    switch (report.status) {
      case 'skipped':
        return [
          { ...planFinding(report), result: 'skipped', problem: report.because ?? '', hint: '' },
        ];
      case 'failed':
        return report.problems.map((problem) => blindFinding(report, problem));
      default:
        return [planFinding(report), ...report.checks.map((check) => checkFinding(report, check))];
    }
  });

const stageOf = ({ step }: StepReport): Pick<Finding, 'stage' | 'stageTitle'> => ({
  stage: step.id,
  stageTitle: step.title,
});

const planFinding = (report: StepReport): Finding => {
  const changes = report.changes.flatMap((made) => [
    made.change.reason,
    ...changeSummary(made).map((line) => `  ${stripVTControlCharacters(line)}`),
  ]);
  return {
    ...stageOf(report),
    id: `${report.step.id}-as-planned`,
    title: `${report.step.title}: no change is needed`,
    result: changes.length === 0 ? 'passed' : 'failed',
    severity: 'error',
    problem: changes.join('\n'),
    hint:
      changes.length === 0 ? '' : `\`sriovctl setup --only ${report.step.id}\` would make it so.`,
  };
};

/** A stage that could not be looked at. */
const blindFinding = (report: StepReport, { code, problem, hint }: Problem): Finding => ({
  ...stageOf(report),
  id: code,
  title: `${report.step.title}: it can be looked at`,
  result: 'failed',
  severity: 'error',
  problem,
  hint,
});

const checkFinding = (report: StepReport, { check, result }: CheckReport): Finding => {
  const of = { ...stageOf(report), ...check };
  switch (result.status) {
    case 'pass':
      return { ...of, result: 'passed', problem: result.detail ?? '', hint: '' };
    case 'skip':
      return { ...of, result: 'skipped', problem: result.because, hint: '' };
    case 'pending':
      return { ...of, result: 'failed', problem: `still missing: ${result.awaited}`, hint: '' };
    case 'reboot':
      return {
        ...of,
        result: 'failed',
        problem: `only after a reboot: ${result.because}`,
        hint: 'Reboot this host.',
      };
    case 'fail':
      return { ...of, result: 'failed', problem: result.problem, hint: result.hint };
  }
};
