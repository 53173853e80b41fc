import type { Change } from './change.ts';
import type { Check, CheckResult } from './check.ts';
import type { Step } from './step.ts';

/** How a whole run ended. */
export type Outcome =
  | 'in-sync'
  | 'applied'
  | 'drifted'
  /** Some stage could not be looked at, and no other has drifted. */
  | 'unknown'
  | 'outstanding'
  | 'reboot-required'
  | 'refused'
  | 'rolled-back'
  | 'rollback-incomplete'
  | 'interrupted';

/** A problem in words: what is, and what to do. */
export interface Problem {
  readonly code: string;
  readonly problem: string;
  readonly hint: string;
}

/** A change that was made, with the text that stood there before, where there was one. */
export interface MadeChange {
  readonly change: Change;
  readonly before?: string;
}

export interface CheckReport {
  readonly check: Pick<Check, 'id' | 'title' | 'severity'>;
  readonly result: CheckResult;
}

/** What became of one stage. */
export interface StepReport {
  readonly step: Pick<Step, 'id' | 'title' | 'scope'>;
  readonly status:
    | 'in-sync'
    | 'changed'
    | 'drifted'
    | 'reboot-required'
    | 'skipped'
    | 'refused'
    | 'failed';
  /** Why it was skipped. */
  readonly because?: string;
  readonly changes: readonly MadeChange[];
  readonly checks: readonly CheckReport[];
  readonly problems: readonly Problem[];
}

/** What warnings found: a run goes on all the same. */
export const warningsOf = (steps: readonly StepReport[]): readonly Problem[] =>
  steps.flatMap(({ checks }) =>
    checks.flatMap(({ check, result }) =>
      check.severity === 'warning' && result.status === 'fail'
        ? [{ code: check.id, problem: result.problem, hint: result.hint }]
        : [],
    ),
  );

/** What a run tells while it goes on; reporters only listen. */
export type RunEvent =
  | { readonly type: 'run-started'; readonly mode: RunMode; readonly steps: readonly string[] }
  | { readonly type: 'step-started'; readonly step: Pick<Step, 'id' | 'title'> }
  | { readonly type: 'change-started'; readonly stepId: string; readonly change: Change }
  | { readonly type: 'change-made'; readonly stepId: string; readonly made: MadeChange }
  | { readonly type: 'waiting'; readonly stepId: string; readonly awaited: string }
  | { readonly type: 'step-finished'; readonly report: StepReport }
  | { readonly type: 'rollback-started'; readonly count: number }
  | { readonly type: 'rolled-back'; readonly what: string }
  | { readonly type: 'rollback-failed'; readonly what: string; readonly why: string }
  | { readonly type: 'notice'; readonly text: string }
  | { readonly type: 'run-finished'; readonly outcome: Outcome };

/** `rehearse` is `apply` on a simulated host; only reporters care. */
export type RunMode = 'apply' | 'rehearse' | 'verify';

export type Listener = (event: RunEvent) => void;
